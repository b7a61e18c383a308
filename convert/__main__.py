"""`python -m convert`: turn trained networks into int8 bundles for the device."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from convert.commands import add_calibration, add_compare, add_quantise
from edge.errors import EmotionEdgeError

INTERRUPTED: Final = 130


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
    try:
        code: int = options.execute(options)
    except EmotionEdgeError as error:
        print(f"convert: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("convert: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
