"""Options that several commands share: settings file, overrides, logging."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

from edge.errors import SettingsError
from edge.settings import Settings
from edge.settings_file import load_settings


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add `--config` and `--set`, which every command that reads settings has."""
    parser.add_argument("--config", metavar="FILE", help="settings file (TOML); `emotion-edge config show`")
    parser.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="set one key, e.g. --set finder.min_face_px=80 (repeatable)",
    )


def add_daemon_options(parser: argparse.ArgumentParser) -> None:
    """Add the shortcuts for the settings that people change most."""
    add_settings_options(parser)
    parser.add_argument(
        "--source",
        metavar="PATH|INDEX|URL",
        help="camera number or path, picamera2, video file, folder of images, rtsp:// or http:// stream",
    )
    parser.add_argument("--loop", action="store_true", default=None, help="start a file again at its end")
    parser.add_argument("--broker", metavar="URL", help="mqtt[s]://[user@]host[:port]")
    parser.add_argument("--device-id", metavar="ID", help="this device's name in topics (a-z 0-9 _ -)")
    parser.add_argument("--state-dir", metavar="DIR", help="where undelivered events are kept")


def settings_from(options: argparse.Namespace) -> Settings:
    """Read the settings that file, environment and flags say together.

    Raises
    ------
    SettingsError
        See `edge.settings_file.load_settings`.
    """
    overrides: list[tuple[str, Any]] = []
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals or "." not in key:
            raise SettingsError(
                f"--set {text!r}", expected="SECTION.KEY=VALUE", fix="write e.g. --set finder.min_face_px=80"
            )
        overrides.append((key.strip(), value.strip()))
    for name, dotted in (
        ("source", "source.uri"),
        ("loop", "source.loop"),
        ("broker", "mqtt.url"),
        ("device_id", "device.id"),
        ("state_dir", "device.state_dir"),
        ("view", "emotion.view"),
        ("model", "emotion.bundle"),
    ):
        value = getattr(options, name, None)
        if value is not None:
            overrides.append((dotted, value))
    return load_settings(options.config, environment=os.environ, overrides=overrides)


def start_logging(level: str) -> None:
    """Write the log to standard error, one line a message."""
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
    )
