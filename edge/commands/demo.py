"""`emotion-edge demo`: the whole chain on a bundled clip, with a broker of its own."""

from __future__ import annotations

import argparse

SUMMARY = "play the bundled clip through the daemon and print the events that come out of a real broker"
EXAMPLES = (
    "emotion-edge demo",
    "emotion-edge demo --json > events.jsonl",
    "emotion-edge demo --source 0 --watch   # your own camera, one live line",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--source", help="another clip or a camera; without it the bundled clip")
    parser.add_argument(
        "--broker", metavar="URL", help="a broker that is there already; without it, one inside"
    )
    parser.add_argument("--view", help="ferplus (default), fer2013, basic, five or happy")
    parser.add_argument("--loop", action="store_true", help="start the clip again at its end")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--json", action="store_true", help="one event a line, as published")
    kind.add_argument("--watch", action="store_true", help="one line that shows who is there now")


def execute(options: argparse.Namespace) -> int:
    """Run the demo until the clip ends or Ctrl-C."""
    from edge.apps.demo import run_demo

    return run_demo(
        source=options.source,
        broker=options.broker,
        view=options.view,
        loop=options.loop,
        as_json=options.json,
        watch=options.watch,
    )
