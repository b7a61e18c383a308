"""`emotion-edge config`: check a settings file, or show every key with the value in force."""

from __future__ import annotations

import argparse

from edge.commands.options import add_daemon_options, settings_from
from edge.settings_file import settings_toml

SUMMARY = "check a settings file, or show every setting in force"
EXAMPLES = (
    "emotion-edge config show > emotion-edge.toml",
    "emotion-edge config check --config emotion-edge.toml",
    "EMOTION_EDGE_FINDER_MIN_FACE_PX=80 emotion-edge config show",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("action", choices=("check", "show"))
    add_daemon_options(parser)


def execute(options: argparse.Namespace) -> int:
    """Print the settings, or that they are fine."""
    settings = settings_from(options)
    if options.action == "show":
        print(settings_toml(settings), end="")
    else:
        print(f"ok: {options.config or 'defaults and environment'} (device {settings.device_id})")
    return 0
