"""The values that pass from one stage to the next, left to right: Frame, Face, Reading, Event."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

EVENT_SCHEMA: Final = 1

Gray = npt.NDArray[np.uint8]
"""uint8 (H, W), 0 is black."""
Colour = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), channels blue, green, red."""
Probabilities = npt.NDArray[np.float32]
"""float32 (labels,), sums to 1."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: durations come from the first, time stamps from the second."""

    monotonic_s: float
    """Seconds on a clock that never jumps."""
    utc: datetime
    """The wall clock, timezone-aware UTC."""
    synced: bool = True
    """Whether the wall clock has been set from the network since the boot."""

    @property
    def stamp(self) -> str:
        """RFC 3339 time stamp in UTC with milliseconds and `Z`."""
        return self.utc.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from a source. Pixels stay in memory: no later stage writes or sends them."""

    gray: Gray
    """uint8 (H, W): what every stage works on."""
    index: int
    """Counts the source's frames from 0; a gap means frames were skipped."""
    at_s: float
    """Monotonic seconds when the picture was taken (for a clip: when it is due)."""
    colour: Colour | None = None
    """uint8 (H, W, 3) BGR where the source has colour; for pictures that a person asks for."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one frame."""

    box: tuple[int, int, int, int]
    """x, y, width, height in pixels of the frame."""
    score: float
    """How sure the finder is, 0 to 1."""
    face_id: str = ""
    """The same from frame to frame for one person's stay; never used twice. Empty for still images."""
    seen: bool = True
    """False while the face is only remembered: not found in this frame, but not given up."""
    points: npt.NDArray[np.float32] | None = field(default=None, compare=False)
    """float32 (68, 2) landmarks in pixels of the frame, where a landmark network tracks."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network says of one face in one frame."""

    face_id: str
    view: str
    labels: tuple[str, ...]
    probabilities: Probabilities
    at_s: float
    """Monotonic seconds of the frame."""


EventType = Literal["new", "update", "end"]
EndReason = Literal["left", "camera", "paused", "stopped", "restart"]


class Event(msgspec.Struct, frozen=True, omit_defaults=False, kw_only=True):
    """One change in one face's life, as published: the contract with every subscriber (docs/mqtt.md)."""

    schema: int = EVENT_SCHEMA
    id: str
    """UUID version 7; a subscriber drops an `id` it has seen."""
    type: EventType
    face_id: str
    seq: int
    """Counts this face's events from 0 without a gap."""
    emotion: str
    confidence: float
    """Calibrated, smoothed probability of `emotion`; of the best label when `emotion` is `uncertain`."""
    probabilities: dict[str, float]
    start_ts: str
    ts: str
    end_ts: str | None = None
    device: str
    boot_id: str
    view: str
    reason: EndReason | msgspec.UnsetType = msgspec.UNSET
    """Why an `end` ended: `left`, `camera`, `paused`, `stopped` or, after a crash, `restart`."""
    clock: Literal["unsynced"] | msgspec.UnsetType = msgspec.UNSET
    """Present while the device's wall clock has not been set since the boot."""
