"""How the device is doing: counts since the start, and what the kernel says of this process."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from edge.meter import Meter
from edge.outbox import Dropped
from edge.payloads import StageTime, StatsPayload
from edge.types import Moment

STATM: Final = Path("/proc/self/statm")
PAGE_BYTES: Final = 4096
THERMAL: Final = Path("/sys/class/thermal/thermal_zone0/temp")


class Camera(Protocol):
    """What stats want to know of the source."""

    @property
    def state(self) -> str:
        """A named state."""

    dropped: int
    """Frames overwritten before anyone looked."""


class Queue(Protocol):
    """What stats want to know of the outbox."""

    @property
    def depth(self) -> int:
        """Events waiting."""

    @property
    def dropped(self) -> Dropped:
        """What was given up."""

    @property
    def degraded(self) -> str | None:
        """Why events are in memory only."""

    def oldest_age_s(self, now: Moment) -> float:
        """Seconds that the oldest event has waited."""


class Health:
    """Counts frames and writes the `stats` payload.

    Parameters
    ----------
    started: when the daemon started.
    """

    def __init__(self, started: Moment) -> None:
        self._started = started
        self._reported = started
        self._frames_reported = 0
        self.frames = 0

    def frame(self) -> None:
        """Count one frame that went through the pipeline."""
        self.frames += 1

    def stats(
        self, now: Moment, *, meter: Meter, camera: Camera, outbox: Queue, broker: str, model: str
    ) -> StatsPayload:
        """Return the payload; frames a second are since the last one."""
        since_s = max(1e-3, now.monotonic_s - self._reported.monotonic_s)
        fps = (self.frames - self._frames_reported) / since_s
        self._reported, self._frames_reported = now, self.frames
        return StatsPayload(
            ts=now.stamp,
            uptime_s=round(now.monotonic_s - self._started.monotonic_s, 1),
            fps=round(fps, 2),
            frames=self.frames,
            frames_skipped=camera.dropped,
            stages={
                name: StageTime(times["median"], times["p95"]) for name, times in meter.summary_ms().items()
            },
            queue_depth=outbox.depth,
            queue_age_s=round(outbox.oldest_age_s(now), 1),
            dropped_faces=outbox.dropped.faces,
            dropped_events=outbox.dropped.events,
            refused_events=outbox.dropped.refused,
            outbox=outbox.degraded or "ok",
            camera=str(camera.state),
            broker=broker,
            model=model,
            rss_mb=resident_mb(),
            soc_temperature_c=soc_temperature_c(),
        )


def resident_mb() -> float | None:
    """Return the memory this process has in use, in MB, or None where the kernel does not say."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * PAGE_BYTES / 1e6, 1)


def soc_temperature_c() -> float | None:
    """Return the processor's temperature in °C, or None on a machine without that sensor."""
    try:
        return int(THERMAL.read_text()) / 1000
    except (OSError, ValueError):
        return None
