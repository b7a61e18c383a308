"""Typed settings: one frozen struct a subsystem. How they are read: edge/settings_file.py."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PositiveSeconds = Annotated[float, Meta(gt=0, le=86_400 * 366)]
Share = Annotated[float, Meta(ge=0, le=1)]


class DeviceSettings(msgspec.Struct, frozen=True):
    """Who this device is and where it keeps what must survive a restart."""

    id: Annotated[str, Meta(pattern=r"^([a-z0-9_-]{1,32})?$")] = ""
    """Name in topics; empty: the host's name. Lower-case letters, digits, `_`, `-`, at most 32."""
    state_dir: str = ""
    """Folder of the outbox; empty: systemd's StateDirectory, else ~/.local/state/emotion-edge."""


class SourceSettings(msgspec.Struct, frozen=True):
    """Where pictures come from."""

    uri: str = "0"
    """A camera's number or path, `picamera2`, a video file, a folder of images, or an rtsp:// or http:// stream."""
    loop: bool = False
    """Start a file or folder again at its end."""
    width_px: Annotated[int, Meta(ge=64, le=7680)] = 640
    height_px: Annotated[int, Meta(ge=64, le=4320)] = 480
    """Width and height that a camera is asked for."""
    frame_interval_s: PositiveSeconds = 0.1
    """The loop looks at one frame in this time, and skips the rest."""
    stall_s: PositiveSeconds = 5.0
    """A camera that gives no frame for this long is opened again."""
    reopen_min_s: PositiveSeconds = 0.5
    """First pause before opening a lost camera again; doubles up to `reopen_max_s`."""
    reopen_max_s: PositiveSeconds = 30.0


class FinderSettings(msgspec.Struct, frozen=True):
    """How faces are found and followed."""

    min_face_px: Annotated[int, Meta(ge=24, le=2000)] = 60
    """Faces narrower than this, in pixels of the frame, are not looked for; larger is cheaper."""
    cascade: str = ""
    """Path of another Haar cascade file; empty: OpenCV's frontal face."""
    scale_factor: Annotated[float, Meta(gt=1.01, le=2)] = 1.15
    """Step of the search over face sizes: larger is cheaper and misses more."""
    min_neighbors: Annotated[int, Meta(ge=0, le=20)] = 3
    """Overlapping hits that make a face: more means fewer wrong boxes and fewer faces."""
    motion_levels: Annotated[float, Meta(ge=0, le=255)] = 1.5
    """Mean absolute difference, in gray levels, of two 80x60 pictures that counts as motion; 0: no gate."""
    heartbeat_s: PositiveSeconds = 1.0
    """The whole frame is searched this often even when nothing moves."""
    track_interval_s: PositiveSeconds = 0.2
    """A known face is looked for again, near where it was, this often."""
    keep_lost_s: PositiveSeconds = 1.0
    """A face that is not found for this long has left; back sooner, it keeps its id."""
    max_faces: Annotated[int, Meta(ge=1, le=50)] = 10
    """The largest are kept."""


class EmotionSettings(msgspec.Struct, frozen=True):
    """The network and the words it answers with."""

    bundle: str = ""
    """Folder of a model bundle, or the name of a shipped one; empty: `emotion`."""
    view: str = "ferplus"
    """Label set: ferplus, fer2013, basic, five or happy."""
    interval_s: PositiveSeconds = 0.2
    """Each face is read this often."""
    threads: Annotated[int, Meta(ge=1, le=16)] = 1
    """Processor threads of the network."""


class PersonSettings(msgspec.Struct, frozen=True):
    """How single readings become a stable expression."""

    smoothing_s: PositiveSeconds = 0.5
    """Time constant of the exponential smoothing of probabilities."""
    hold_s: Annotated[float, Meta(ge=0, le=3600)] = 0.6
    """A different expression must lead for this long before it is believed."""
    margin: Share = 0.1
    """A different expression must lead the present one by this much probability."""
    uncertain_below: Annotated[float, Meta(ge=-1, lt=1)] = -1.0
    """Below this probability a reading is `uncertain`; -1: the model's own calibrated threshold."""


class MqttSettings(msgspec.Struct, frozen=True):
    """The broker and how to reach it."""

    url: str = "mqtt://127.0.0.1:1883"
    """mqtt[s]://[user@]host[:port]; never with a password."""
    username: str = ""
    """The user, where `url` names none."""
    password_file: str = ""
    """File whose first line is the password (a systemd credential works)."""
    ca_file: str = ""
    """PEM file of the authority that signed the broker's certificate; empty: the system's."""
    cert_file: str = ""
    key_file: str = ""
    """Client certificate and its key (PEM); both or none."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """`auto` tries 5 first and goes back to 3.1.1."""
    base: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "emo"
    """First part of every topic."""
    keepalive_s: Annotated[int, Meta(ge=2, le=3600)] = 30
    connect_timeout_s: PositiveSeconds = 5.0
    reconnect_min_s: PositiveSeconds = 0.5
    reconnect_max_s: PositiveSeconds = 60.0
    in_flight: Annotated[int, Meta(ge=1, le=1000)] = 20
    """Events sent and not yet acknowledged; the rest waits in the outbox."""
    drain_s: Annotated[float, Meta(ge=0, le=300)] = 5.0
    """How long a stop waits for the broker to acknowledge what is left."""
    state_min_interval_s: PositiveSeconds = 1.0
    state_max_interval_s: PositiveSeconds = 60.0
    """`state` is sent at most and at least this often."""
    stats_interval_s: PositiveSeconds = 60.0


class OutboxSettings(msgspec.Struct, frozen=True):
    """How much may wait for the broker."""

    max_rows: Annotated[int, Meta(ge=10, le=10_000_000)] = 100_000
    max_age_s: PositiveSeconds = 7 * 86_400.0
    """Beyond these the oldest whole face lives are dropped, and counted."""


class LogSettings(msgspec.Struct, frozen=True):
    """What is said on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(msgspec.Struct, frozen=True):
    """All settings of a device."""

    device: DeviceSettings = DeviceSettings()
    source: SourceSettings = SourceSettings()
    finder: FinderSettings = FinderSettings()
    emotion: EmotionSettings = EmotionSettings()
    person: PersonSettings = PersonSettings()
    mqtt: MqttSettings = MqttSettings()
    outbox: OutboxSettings = OutboxSettings()
    log: LogSettings = LogSettings()

    @property
    def device_id(self) -> str:
        """The name in topics: as set, or made from the host's name."""
        return self.device.id or device_id_from_host(socket.gethostname())

    @property
    def state_dir(self) -> Path:
        """The folder of the outbox."""
        if self.device.state_dir:
            return Path(self.device.state_dir).expanduser()
        if systemd := os.environ.get("STATE_DIRECTORY"):
            return Path(systemd.split(":", 1)[0])
        root = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(root).expanduser() / "emotion-edge"


def device_id_from_host(host: str) -> str:
    """Make a valid device id from a host name."""
    cleaned = re.sub(r"[^a-z0-9_-]+", "-", host.split(".", 1)[0].lower()).strip("-")
    return cleaned[:32] or "emotion-edge"
