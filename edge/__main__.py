"""The command line: `emotion-edge` and `python -m edge`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Final

from edge import __version__
from edge.exit_codes import end_of

COMMANDS: Final = ("run", "demo", "classify", "bench", "doctor", "config", "model")
EXIT_CODES: Final = """\
exit codes:
  0    done; also after Ctrl-C or SIGTERM, which end a run cleanly
  1    some of the input could not be read
  2    wrong arguments or settings
  3    no picture: camera, clip or folder cannot be opened
  4    the model, the TFLite runtime or the face cascade cannot be used
  5    the state folder cannot be used, or another daemon is using it
  6    the broker's address, certificate or password file cannot be used
  7    an optional part of the package is not installed
  130  interrupted before anything was done
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; their modules import what is heavy only when executed."""
    parser = argparse.ArgumentParser(
        prog="emotion-edge",
        description="Reads facial expressions on this device and publishes them over MQTT. No picture leaves it.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"emotion-edge {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"edge.commands.{name}")
        examples = "examples:\n" + "\n".join(f"  {line}" for line in module.EXAMPLES)
        sub = subparsers.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(sub)
        sub.set_defaults(execute=module.execute)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; an expected error is one line, never a traceback."""
    parser = build_parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return 2
    options = parser.parse_args(arguments)
    return end_of("emotion-edge", lambda: options.execute(options))


if __name__ == "__main__":
    sys.exit(main())
