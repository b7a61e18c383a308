from __future__ import annotations

import subprocess
import sys

import pytest

from convert.__main__ import main


@pytest.mark.parametrize("command", ["quantise", "compare", "calibration"])
def test_help_loads_nothing_heavy(command):
    code = (
        "import sys\nfrom convert.__main__ import main\n"
        f"try:\n    main([{command!r}, '--help'])\nexcept SystemExit as e:\n    assert e.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'sklearn'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "examples:" in done.stdout


def test_an_error_is_one_line_and_a_code(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["quantise", "--model", "m.keras", "--data", "none.npz", "--out", "x"]) == 8
    printed = capsys.readouterr().err.strip().splitlines()
    assert printed == [
        (
            "convert: error: no data at none.npz; expected fer2013.npz, fer2013.csv, or a folder with "
            "train/<class>/ and test/<class>/; to fix: pass its path with --data"
        )
    ]
    assert not (tmp_path / "x").exists()


def test_a_missing_bundle_is_refused(tmp_path, capsys):
    arguments = ["compare", "--model", "m.keras", "--bundle", str(tmp_path / "b"), "--data", "none.npz"]
    assert main(arguments) == 4
    assert "manifest.json" in capsys.readouterr().err
