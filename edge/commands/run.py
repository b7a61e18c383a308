"""`emotion-edge run`: the daemon."""

from __future__ import annotations

import argparse
import signal
from types import FrameType

from edge.commands.options import add_daemon_options, settings_from, start_logging

SUMMARY = "watch a camera and publish the expressions of the people before it (the daemon)"
EXAMPLES = (
    "emotion-edge run                                   # camera 0, broker on this machine",
    "emotion-edge run --source /dev/video2 --broker mqtts://kiosk@broker.lan --config kiosk.toml",
    "emotion-edge run --source clip.mp4 --loop --events # and print each event here too",
)

SAME_WISH_S = 1.0
"""Signals this close are one wish: `timeout` and process managers send theirs to process and group both."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_daemon_options(parser)
    parser.add_argument("--view", help="ferplus (default), fer2013, basic, five or happy")
    parser.add_argument(
        "--model", metavar="BUNDLE", help="model bundle: a folder, or the name of a shipped one"
    )
    parser.add_argument("--events", action="store_true", help="also print each event, readably")
    parser.add_argument(
        "--json", action="store_true", help="print events as published, one JSON object a line"
    )
    parser.add_argument("--max-frames", type=int, default=0, metavar="N", help="stop after N frames")


def execute(options: argparse.Namespace) -> int:
    """Run until the clip ends, or until SIGINT or SIGTERM; both end it cleanly."""
    settings = settings_from(options)
    start_logging(settings.log.level)
    from edge.apps.readable import event_line
    from edge.clock import SystemClock
    from edge.daemon import Daemon
    from edge.payloads import encode
    from edge.types import Event

    def show(event: Event) -> None:
        print(encode(event).decode() if options.json else event_line(event), flush=True)

    shown = options.events or options.json
    daemon = Daemon(settings, on_event=show if shown else None, max_frames=options.max_frames)

    clock = SystemClock()
    first_at_s: list[float] = []

    def end(number: int, _: FrameType | None) -> None:
        now_s = clock.now().monotonic_s
        if first_at_s and now_s - first_at_s[0] > SAME_WISH_S:
            # A second wish means "now": it ends the process in the ordinary way.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        first_at_s.append(now_s)
        daemon.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    daemon.run()
    return 0
