"""The command line of training: fast help, one line for an error, and a documented exit code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from train.__main__ import main


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["evaluate", "--help"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys\nfrom train.__main__ import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as e:\n    assert e.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(arguments) == 1 or "examples:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["fit", "--data", "none.npz", "--out", "x"], 8),
        (["fit", "--data", "none.npz", "--out", "x", "--recipe", "emotoin"], 2),
        (["evaluate", "--data", "none.npz"], 8),
    ],
)
def test_an_error_is_one_line_and_a_code(tmp_path, monkeypatch, capsys, arguments, code):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    printed = capsys.readouterr().err.strip().splitlines()
    assert len(printed) == 1
    assert printed[0].startswith("train: error: ")
    assert {8: "no data at none.npz", 2: "expected one of emotion"}[code] in printed[0]


def test_an_unknown_backend_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert main(["fit", "--data", "none.npz", "--out", str(tmp_path)]) == 2
    assert "KERAS_BACKEND is 'theano'; expected tensorflow, jax or torch" in capsys.readouterr().err


def test_a_file_that_is_no_model_is_refused(tmp_path, data_dir, capsys):
    (tmp_path / "m.keras").write_bytes(b"no model")
    data = str(data_dir / "fer2013.npz")
    assert main(["evaluate", "--data", data, "--model", str(tmp_path / "m.keras"), "--limit", "2"]) == 8
    assert "cannot be opened as a Keras model" in capsys.readouterr().err
