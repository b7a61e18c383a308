"""`python -m train`: train networks and measure them."""

from __future__ import annotations

import argparse
import sys

from edge.exit_codes import end_of
from train.commands import add_evaluate, add_fit
from train.report_command import add_report


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; what is heavy is imported when a command runs."""
    parser = argparse.ArgumentParser(
        prog="python -m train", description="Train the networks of emotion-edge and measure them."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_fit(subparsers)
    add_evaluate(subparsers)
    add_report(subparsers)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; an expected error is one line, never a traceback."""
    options = build_parser().parse_args(arguments)
    return end_of("train", lambda: options.execute(options))


if __name__ == "__main__":
    sys.exit(main())
