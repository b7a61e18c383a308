"""The command line as its users meet it: real processes, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.__main__ import COMMANDS


def run(*arguments, env=None, cwd=None, timeout=60):
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, cwd=cwd, env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def one_line(found):
    """Return the only line on standard error; a traceback is never one."""
    lines = found.stderr.strip().splitlines()
    assert len(lines) == 1, found.stderr
    assert lines[0].startswith("emotion-edge: error: ")
    return lines[0]


@pytest.fixture(scope="module")
def portrait(data_dir):
    return data_dir / "open/london/001_smiling.jpg"


def test_help_lists_commands_examples_and_exit_codes():
    found = run("--help")
    assert found.returncode == 0
    assert all(command in found.stdout for command in COMMANDS)
    assert "exit codes" in found.stdout
    for command in COMMANDS:
        assert "examples:" in run(command, "--help").stdout


def test_no_command_shows_the_help_and_is_wrong_usage():
    found = run()
    assert (found.returncode, "usage:" in found.stdout) == (2, True)


def test_classify_prints_one_object_a_picture(portrait, data_dir):
    found = run("classify", portrait, data_dir / "open/astronaut.png", "--json")
    assert found.returncode == 0, found.stderr
    first, second = map(json.loads, found.stdout.splitlines())
    assert list(first) == ["file", "width", "height", "faces"]
    assert (first["width"], first["height"]) == (512, 512)
    (face,) = first["faces"]
    assert list(face) == ["box", "emotion", "confidence", "probabilities", "score"]
    assert len(face["box"]) == 4
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.01)
    assert face["confidence"] == pytest.approx(max(face["probabilities"].values()), abs=1e-4)
    assert second["faces"]


def test_a_smile_is_happy(portrait):
    found = run("classify", portrait, "--view", "happy", "--json")
    assert json.loads(found.stdout)["faces"][0]["emotion"] == "happy"


def test_classify_goes_on_after_a_bad_file_and_ends_with_1(tmp_path, portrait):
    truncated = tmp_path / "truncated.jpg"
    truncated.write_bytes(portrait.read_bytes()[:4000])
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    found = run("classify", truncated, text, tmp_path / "gone.jpg", tmp_path, portrait, "--json")
    assert found.returncode == 1
    assert found.stderr == ""
    records = list(map(json.loads, found.stdout.splitlines()))
    assert ["error" in record for record in records] == [True, True, True, True, False]
    assert all(Path(record["file"]).name in record["error"] for record in records[:4])
    plain = run("classify", truncated, portrait)
    assert plain.returncode == 1
    assert "truncated.jpg" in one_line(plain)


@pytest.mark.parametrize("shape", [(1, 1, 3), (10, 20000, 3), (64, 64), (64, 64, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_odd_pictures_have_no_face_and_are_no_error(tmp_path, shape, dtype):
    path = tmp_path / "odd.png"
    cv2.imwrite(str(path), np.full(shape, np.iinfo(dtype).max // 2, dtype))
    found = run("classify", path, "--json")
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout)["faces"] == []


def test_annotate_writes_a_marked_copy_and_leaves_the_picture(tmp_path, portrait):
    before = portrait.read_bytes()
    found = run("classify", portrait, "--annotate", tmp_path / "marked")
    assert found.returncode == 0, found.stderr
    marked = cv2.imread(str(tmp_path / "marked/001_smiling.annotated.jpg"))
    assert marked.shape == cv2.imread(str(portrait)).shape
    assert portrait.read_bytes() == before
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run("classify", portrait, "--annotate", blocked).returncode == 1


def test_an_unknown_view_is_refused_before_any_work(portrait):
    found = run("classify", portrait, "--view", "moods")
    assert found.returncode == 4
    assert "ferplus" in one_line(found)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "--source", "nowhere.mp4"), 3, "nowhere.mp4"),
        (("run", "--set", "finder.min_fase_px=3"), 2, "did you mean 'min_face_px'"),
        (("run", "--set", "nonsense"), 2, "SECTION.KEY=VALUE"),
        (("run", "--config", "nowhere.toml"), 2, "nowhere.toml"),
        (("run", "--model", "nowhere"), 4, "nowhere"),
        (("run", "--broker", "http://x"), 6, "mqtt"),
        (("run", "--broker", "mqtt://u:secret@x"), 6, "password"),
        (("run", "--device-id", "Küche!"), 2, "Küche!"),
        (("model", "verify", "nowhere"), 4, "nowhere"),
        (("config", "check", "--set", "source.stall_s=-1"), 2, "stall_s"),
    ],
)
def test_a_wrong_argument_is_one_line_and_its_exit_code(tmp_path, arguments, code, said):
    state = ("--state-dir", tmp_path / "state") if arguments[0] == "run" else ()
    found = run(*arguments, *state, cwd=tmp_path, env={"PYTHONPATH": str(Path.cwd())})
    assert found.returncode == code, found.stderr
    line = one_line(found)
    assert said in line
    assert "secret" not in line


def test_a_clip_without_frames_is_named(tmp_path):
    clip = tmp_path / "empty.mp4"
    clip.write_bytes(b"")
    found = run("run", "--source", clip, "--state-dir", tmp_path / "state")
    assert found.returncode == 3
    assert "empty.mp4" in found.stderr.splitlines()[-1]
    assert "Traceback" not in found.stderr


def test_a_state_folder_that_cannot_be_one_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = run("run", "--state-dir", blocked / "state", "--source", "nowhere")
    assert found.returncode == 5
    assert "state-dir" in one_line(found)


def test_config_show_is_read_back(tmp_path):
    shown = run("config", "show", "--set", "finder.min_face_px=77", "--broker", "mqtt://kiosk")
    path = tmp_path / "kiosk.toml"
    path.write_text(shown.stdout)
    assert "min_face_px = 77" in run("config", "show", "--config", path).stdout
    assert run("config", "check", "--config", path).returncode == 0


def test_model_info_and_verify():
    facts = json.loads(run("model", "info", "--json").stdout)
    assert facts["bytes"] < 1_500_000
    assert len(facts["sha256"]) == 64
    verified = run("model", "verify", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["ok"]) == (0, True)


def test_doctor_says_what_to_do(tmp_path):
    found = run(
        "doctor", "--json", "--source", "63", "--broker", "mqtt://127.0.0.1:9", "--state-dir", tmp_path
    )
    report = json.loads(found.stdout)
    checks = {check["name"]: check for check in report["checks"]}
    assert (found.returncode, report["ok"]) == (1, False)
    assert checks["source"]["status"] == "fail"
    assert checks["broker"]["status"] == "warn"
    assert checks["source"]["fix"]
    assert checks["broker"]["fix"]
    assert {checks[name]["status"] for name in ("python", "opencv", "model", "state")} == {"ok"}


def test_help_starts_fast():
    """The promise is one second of processor time; the bench prints the figure, this only catches a heavy import."""
    code = (
        "import sys, edge.__main__ as m; m.build_parser(); print(sorted({'cv2', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
