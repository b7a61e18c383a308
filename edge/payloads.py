"""What is published besides events: topics, and one struct for each payload (docs/mqtt.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from edge.types import Event

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
NO_EMOTION: Final = "none"
"""`emotion` in `state` while nobody is in view."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device."""

    base: str
    """First part, `emo` by default."""
    device_id: str

    @property
    def root(self) -> str:
        """What all topics of this device begin with."""
        return f"{self.base}/{self.device_id}"

    @property
    def availability(self) -> str:
        """`online` or `offline`: whether the daemon is connected."""
        return f"{self.root}/availability"

    @property
    def camera(self) -> str:
        """`online` or `offline`: whether the camera gives pictures."""
        return f"{self.root}/camera/availability"

    @property
    def state(self) -> str:
        """The present state: how many faces, and which expression."""
        return f"{self.root}/state"

    @property
    def events(self) -> str:
        """One message for each change in one face."""
        return f"{self.root}/events"

    @property
    def stats(self) -> str:
        """How the device is doing."""
        return f"{self.root}/stats"

    @property
    def info(self) -> str:
        """What the device is."""
        return f"{self.root}/info"


class StatePayload(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: what is in view now."""

    faces: int
    emotion: str
    """The one that most faces show; `none` with nobody in view."""
    confidence: float
    """Probability of `emotion`, 0 to 1; 0 with nobody in view."""
    ts: str


class StageTime(msgspec.Struct, frozen=True):
    """How long one stage takes, in milliseconds."""

    median_ms: float
    p95_ms: float


class StatsPayload(msgspec.Struct, frozen=True, kw_only=True):
    """`stats`: how the device is doing; counts are since the start."""

    ts: str
    uptime_s: float
    fps: float
    """Frames looked at in a second."""
    frames: int
    frames_skipped: int
    """Frames that the source gave and the loop had no time for."""
    stages: dict[str, StageTime]
    queue_depth: int
    """Events waiting for the broker."""
    queue_age_s: float
    dropped_faces: int
    """Face lives given up, whole, because the outbox was full or they were too old."""
    dropped_events: int
    refused_events: int = 0
    """Events that the broker will never take."""
    outbox: str = "ok"
    """`ok`, or why events are in memory only, such as `disk-full`."""
    camera: str
    broker: str
    model: str
    rss_mb: float | None = None
    soc_temperature_c: float | None = None
    throttled: bool | None = None


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which network reads the faces."""

    name: str
    version: str
    sha256: str


class InfoPayload(msgspec.Struct, frozen=True, kw_only=True):
    """`info`: what the device is, and the settings that matter to a consumer."""

    device: str
    version: str
    """Of this package."""
    boot_id: str
    model: ModelInfo
    view: str
    labels: tuple[str, ...]
    """What `emotion` can be, besides `uncertain` and, in `state`, `none`."""
    settings: dict[str, str | int | float | bool]
    ts: str


def encode(payload: StatePayload | StatsPayload | InfoPayload | Event) -> bytes:
    """Return the payload as JSON in UTF-8, its keys in the order of the struct."""
    return msgspec.json.encode(payload)
