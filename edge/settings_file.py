"""Reads settings from one TOML file, the environment and flags, and says precisely what is wrong with them."""

from __future__ import annotations

import ast
import difflib
import inspect
import math
import tomllib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from edge.errors import SettingsError
from edge.settings import Settings

ENVIRONMENT_PREFIX: Final = "EMOTION_EDGE_"


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
    """Return the settings as commented TOML that `load_settings` reads back; secrets are not among them."""
    blocks = []
    for section, struct in _SECTIONS.items():
        keys = msgspec.to_builtins(getattr(settings, section))
        notes = _notes(struct)
        lines = [f"[{section}]"]
        for key, value in keys.items():
            lines += [f"# {note}" for note in notes.get(key, "").splitlines()]
            lines.append(f"{key} = {msgspec.json.encode(value).decode()}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


_SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    field.name: field.type for field in msgspec.structs.fields(Settings)
}


def _notes(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return what the source says below each key: Python keeps no docstrings of attributes."""
    try:
        body = ast.parse(inspect.getsource(struct)).body[0]
    except (OSError, SyntaxError):  # A copy without sources shows the keys alone.
        return {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    notes: dict[str, str] = {}
    for key, note in pairwise(statements):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name) and isinstance(note, ast.Expr):
            notes[key.target.id] = inspect.cleandoc(str(getattr(note.value, "value", "")))
    return notes


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
