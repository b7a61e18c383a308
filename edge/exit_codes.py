"""How every command of the project ends: an expected error is one line and its own exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from edge.errors import EmotionEdgeError

INTERRUPTED: Final = 130


def end_of(program: str, command: Callable[[], int]) -> int:
    """Run a command and return the process's exit code.

    Parameters
    ----------
    program: begins the line on standard error.
    command: does the work; returns its own exit code or raises.
    """
    try:
        code = command()
        sys.stdout.flush()
    except EmotionEdgeError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing to tell anybody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
