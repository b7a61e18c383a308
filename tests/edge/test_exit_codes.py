from __future__ import annotations

import subprocess
import sys

import pytest

from edge.errors import EmotionEdgeError, SourceError
from edge.exit_codes import end_of


def raising(error):
    def command():
        raise error

    return command


def every_error(kind=EmotionEdgeError):
    return [kind, *(one for child in kind.__subclasses__() for one in every_error(child))]


def test_a_command_s_own_code_is_kept():
    assert end_of("x", lambda: 3) == 3


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_each_error_is_one_line_with_what_to_do(kind, capsys):
    assert end_of("x", raising(kind("a is 1", expected="2", fix="set 2"))) == kind.exit_code
    assert capsys.readouterr().err == "x: error: a is 1; expected 2; to fix: set 2\n"


def test_ctrl_c_says_so(capsys):
    assert end_of("x", raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "x: interrupted\n"


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        end_of("x", raising(ZeroDivisionError()))


def test_a_reader_that_goes_away_is_no_error():
    shell = f"'{sys.executable}' -m edge config show | head -n 1; echo ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("[device]\n0\n", "")


def test_an_error_is_also_the_builtin_kind_that_callers_expect():
    assert issubclass(SourceError, OSError)
