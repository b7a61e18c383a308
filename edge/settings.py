"""Typed settings: one frozen struct a subsystem, read from one TOML file, the environment and flags."""

from __future__ import annotations

import difflib
import math
import os
import re
import socket
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from edge.errors import SettingsError

ENVIRONMENT_PREFIX: Final = "EMOTION_EDGE_"
DEVICE_ID_PATTERN: Final = r"^[a-z0-9_-]{1,32}$"

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
    min_neighbors: Annotated[int, Meta(ge=0, le=20)] = 3
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
    """Folder of a model bundle; empty: the one shipped."""
    view: str = "ferplus"
    """Label set: ferplus, fer2013, basic, five or happy."""
    interval_s: PositiveSeconds = 0.2
    """Each face is read this often."""
    threads: Annotated[int, Meta(ge=1, le=16)] = 1


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
    password_file: str = ""
    """File whose first line is the password (a systemd credential works)."""
    ca_file: str = ""
    """PEM file of the authority that signed the broker's certificate; empty: the system's."""
    cert_file: str = ""
    key_file: str = ""
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
    stats_interval_s: PositiveSeconds = 60.0


class OutboxSettings(msgspec.Struct, frozen=True):
    """How much may wait for the broker."""

    max_rows: Annotated[int, Meta(ge=10, le=10_000_000)] = 100_000
    max_age_s: PositiveSeconds = 7 * 86_400.0


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


def load_settings(
    path: str | Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Iterable[tuple[str, Any]] = (),
) -> Settings:
    """Read settings; a flag wins over the environment, the environment over the file, the file over defaults.

    Parameters
    ----------
    path: TOML file, or `None` for defaults only.
    environment: variables such as `EMOTION_EDGE_FINDER_MIN_FACE_PX`; `None` reads none.
    overrides: pairs such as `("finder.min_face_px", "80")`; a text is read as a TOML value where it is one.

    Raises
    ------
    SettingsError
        The file cannot be read, or a key is unknown, of the wrong type or out of range.
    """
    values: dict[str, dict[str, Any]] = {}
    if path is not None:
        for section, keys in _read_toml(Path(path)).items():
            struct = _section(section, f"{path}")
            if not isinstance(keys, dict):
                raise SettingsError(
                    f"{path}: {section} = {keys!r}", expected=f"a table [{section}]", fix=f"write [{section}]"
                )
            for key, value in keys.items():
                _set(values, struct, section, key, value, where=f"{path}")
    for name, text in sorted((environment or {}).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            section, key = _split_variable(name)
            _set(values, _section(section, name), section, key, _parse(text), where=f"environment {name}")
    for dotted, value in overrides:
        section, _, key = dotted.partition(".")
        struct = _section(section, f"--set {dotted}")
        parsed = _parse(value) if isinstance(value, str) else value
        _set(values, struct, section, key, parsed, where=f"--set {dotted}")
    settings = msgspec.structs.replace(
        Settings(), **{name: _SECTIONS[name](**keys) for name, keys in values.items()}
    )
    _check_together(settings)
    return settings


def settings_toml(settings: Settings) -> str:
    """Return the settings as TOML that `load_settings` reads back; they hold no secret, only files of secrets."""
    blocks = []
    for section in _SECTIONS:
        keys = msgspec.to_builtins(getattr(settings, section))
        lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in keys.items()]
        blocks.append("\n".join([f"[{section}]", *lines]))
    return "\n\n".join(blocks) + "\n"


_SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    field.name: field.type for field in msgspec.structs.fields(Settings)
}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror}", expected="a settings file", fix="check the path given with --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}", expected="valid TOML", fix="correct that line") from None


def _section(name: str, where: str) -> type[msgspec.Struct]:
    if name in _SECTIONS:
        return _SECTIONS[name]
    raise SettingsError(
        f"{where}: unknown section [{name}]",
        expected=f"one of {', '.join(_SECTIONS)}",
        fix=_nearest(name, _SECTIONS),
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else "`emotion-edge config show` lists every key"


def _split_variable(name: str) -> tuple[str, str]:
    section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
    return section, key


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def _set(
    values: dict[str, dict[str, Any]],
    struct: type[msgspec.Struct],
    section: str,
    key: str,
    value: Any,
    *,
    where: str,
) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    if key not in fields:
        raise SettingsError(
            f"{where}: unknown key {key!r} in [{section}]", fix=_nearest(key, fields), expected="a known key"
        )
    field = fields[key]
    try:
        converted = _convert(value, field.type)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{where}: [{section}] {key} = {value!r}",
            expected=str(error).removeprefix("Expected ").replace("`", ""),
            fix=f"the default is {field.default!r}",
        ) from None
    if isinstance(converted, float) and math.isnan(converted):
        raise SettingsError(f"{where}: [{section}] {key} = nan", expected="a number")
    values.setdefault(section, {})[key] = converted


def _convert(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or "Expected `str`" not in str(error)
        ):
            raise
        return msgspec.convert(str(value), type=kind)  # `--source 0` and `protocol = 5` mean the text.


def _check_together(settings: Settings) -> None:
    for section, low, high in (
        ("source", "reopen_min_s", "reopen_max_s"),
        ("mqtt", "reconnect_min_s", "reconnect_max_s"),
        ("mqtt", "state_min_interval_s", "state_max_interval_s"),
    ):
        struct = getattr(settings, section)
        if getattr(struct, low) > getattr(struct, high):
            raise SettingsError(
                f"[{section}] {low} = {getattr(struct, low)} is above {high} = {getattr(struct, high)}",
                expected=f"{low} <= {high}",
            )
    if bool(settings.mqtt.cert_file) != bool(settings.mqtt.key_file):
        raise SettingsError(
            "[mqtt] has only one of cert_file and key_file",
            expected="both or none",
            fix="set the other one too",
        )
