"""The only module that reads the time or sleeps; tests pass `ManualClock` and drive the time by hand."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from edge.types import Moment

SYNCED_MARKER: Final = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd creates this file when the clock has been set from the network."""
TIMESYNCD_RUNTIME: Final = Path("/run/systemd/timesync")


class Clock(Protocol):
    """What stages may know of time."""

    def now(self) -> Moment:
        """Return the present instant."""

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until `event` is set or `timeout_s` seconds have passed; return whether it is set."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Moment:
        """Return the present instant."""
        return Moment(time.monotonic(), datetime.now(UTC), clock_is_synced())

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until `event` is set or `timeout_s` seconds have passed; return whether it is set."""
        return event.wait(max(0.0, timeout_s))


class ManualClock:
    """A clock that moves only when told to, for tests and simulations."""

    def __init__(self, start: datetime | None = None) -> None:
        self._monotonic_s = 0.0
        self._utc = start or datetime(2026, 1, 1, tzinfo=UTC)
        self.synced = True

    def now(self) -> Moment:
        """Return the present instant."""
        return Moment(self._monotonic_s, self._utc, self.synced)

    def advance(self, seconds: float) -> Moment:
        """Move both clocks on by `seconds` and return the new instant."""
        self._monotonic_s += seconds
        self._utc += timedelta(seconds=seconds)
        return self.now()

    def jump(self, seconds: float) -> None:
        """Set the wall clock forwards or back, as a time server does."""
        self._utc += timedelta(seconds=seconds)

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Advance by `timeout_s` unless `event` is set already."""
        if not event.is_set():
            self.advance(timeout_s)
        return event.is_set()


def clock_is_synced() -> bool:
    """Return False only where systemd-timesyncd runs and says that it has not set the clock yet."""
    return not TIMESYNCD_RUNTIME.is_dir() or SYNCED_MARKER.exists()


def process_cpu_s() -> float:
    """Return the seconds of processor time that this process has used, all threads together."""
    return time.process_time()


def wall_s() -> float:
    """Return a high-resolution monotonic time in seconds, for measuring stages."""
    return time.perf_counter()


def thread_cpu_s() -> float:
    """Return the seconds of processor time that the calling thread has used."""
    return time.thread_time()
