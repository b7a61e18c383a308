"""The unit is accepted by the real systemd tools, offline."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

MOST_EXPOSURE = 1.5


@pytest.fixture
def unit(root, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: sudo apt install systemd")
    # The installed program is absent here; any executable stands for it.
    text = re.sub(
        r"^ExecStart=\S+",
        "ExecStart=/usr/bin/env",
        (root / "systemd/emotion-edge.service").read_text(),
        flags=re.MULTILINE,
    )
    path = tmp_path / "emotion-edge.service"
    path.write_text(text)
    return path


def test_verify_has_nothing_to_say(unit):
    found = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    # Unknown keys only warn: any word is a failure.
    assert (found.returncode, found.stderr.strip()) == (0, "")


def test_exposure_is_low(unit):
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=100", "--no-pager", str(unit)]
    found = subprocess.run(command, capture_output=True, text=True)
    match = re.search(r"exposure level for \S+: ([\d.]+)", found.stdout)
    assert match, found.stdout + found.stderr
    assert float(match[1]) <= MOST_EXPOSURE
