"""`python -m convert`: turn trained networks into int8 bundles for the device."""

from __future__ import annotations

import argparse
import sys

from convert.commands import add_calibration, add_compare, add_quantise
from edge.exit_codes import end_of


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; what is heavy is imported when a command runs."""
    parser = argparse.ArgumentParser(
        prog="python -m convert", description="Turn trained networks into int8 bundles for the device."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_quantise(subparsers)
    add_compare(subparsers)
    add_calibration(subparsers)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; an expected error is one line, never a traceback."""
    options = build_parser().parse_args(arguments)
    return end_of("convert", lambda: options.execute(options))


if __name__ == "__main__":
    sys.exit(main())
