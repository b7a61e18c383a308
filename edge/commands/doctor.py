"""`emotion-edge doctor`: looks at everything the daemon needs and says what to do about what is missing."""

from __future__ import annotations

import argparse
import json

from edge.commands.options import add_daemon_options, settings_from

SUMMARY = "check this machine: each part is ok, or what to do about it"
EXAMPLES = (
    "emotion-edge doctor",
    "emotion-edge doctor --json --config kiosk.toml",
    "emotion-edge doctor --source /dev/video2",
)
MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_daemon_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def execute(options: argparse.Namespace) -> int:
    """Print each check; return 1 when one failed."""
    settings = settings_from(options)
    from edge.apps.checks import examine

    results = examine(settings)
    failed = any(result.status == "fail" for result in results)
    if options.json:
        rows = [{"name": r.name, "status": r.status, "found": r.found, "fix": r.fix or None} for r in results]
        print(json.dumps({"ok": not failed, "checks": rows}))
    else:
        for result in results:
            print(f"{MARKS[result.status]}  {result.name:12} {result.found}")
            if result.fix:
                print(f"{'':18}to fix: {result.fix}")
    return 1 if failed else 0
