"""`emotion-edge bench`: what the loop costs here, beside a cascade on every frame in the same run."""

from __future__ import annotations

import argparse
import json

from edge.commands.options import add_settings_options, settings_from

SUMMARY = "measure the daemon's loop on a clip: stage times, memory, start-up, and the peer it replaces"
EXAMPLES = ("emotion-edge bench", "emotion-edge bench --json", "emotion-edge bench --clip mine.mp4 --quick")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--clip", metavar="FILE", help="a video file; without it the bundled clip")
    parser.add_argument("--quick", action="store_true", help="leave out the daemon's memory (plays the clip)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_settings_options(parser)


def execute(options: argparse.Namespace) -> int:
    """Measure and print."""
    settings = settings_from(options)
    from edge.apps.bench import measure, table

    figures = measure(settings, clip=options.clip, quick=options.quick)
    print(json.dumps(figures) if options.json else table(figures))
    return 0
