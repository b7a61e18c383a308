"""The outbox's own clock: it goes on over restarts, and a jump of the wall clock does not move it."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.types import Moment


class AgeClock:
    """Counts the seconds that the outbox has existed; the wall clock is asked only how long it was switched off."""

    def __init__(self) -> None:
        self.age_s = 0.0
        self._alive_utc_s = 0.0
        self._offset_s: float | None = None

    def resume(self, age_s: float, alive_utc_s: float) -> None:
        """Go on from what the last boot wrote: the clock's value, and when that boot was last alive."""
        self.age_s = max(self.age_s, age_s)
        self._alive_utc_s = alive_utc_s
        self._offset_s = None

    def read(self, now: Moment) -> float:
        """Return the clock's value in seconds."""
        if self._offset_s is None:
            away_s = now.utc.timestamp() - self._alive_utc_s
            known = self._alive_utc_s > 0 and now.synced and away_s > 0
            self._offset_s = self.age_s + (away_s if known else 0.0) - now.monotonic_s
        self.age_s = max(self.age_s, now.monotonic_s + self._offset_s)
        return self.age_s

    @property
    def last_alive(self) -> str:
        """RFC 3339 stamp of the last sign of life of the boot before this one."""
        return Moment(0.0, datetime.fromtimestamp(self._alive_utc_s, UTC)).stamp
