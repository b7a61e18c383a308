"""What the README promises of an installation, held by a slim environment with the device's package alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from edge.apps.clip import bundled_clip
from tests.mosquitto import Mosquitto

MOST_ENVIRONMENT_MB = 350
MOST_MEMORY_MB = 120
EXCERPT_S = (11.0, 18.0)
"""Of the bundled clip: one person, neutral and then happy."""


@pytest.fixture(scope="session")
def slim(root) -> Path:
    """The slim environment's folder of programs; `make test` builds it."""
    folder = root / os.environ.get("TEST_SLIM", ".venv-slim") / "bin"
    if not (folder / "emotion-edge").exists():
        pytest.skip("needs the slim environment: run `make test`, or set TEST_SLIM")
    return folder


@pytest.fixture(scope="session")
def excerpt(tmp_path_factory) -> Path:
    """A few seconds of the bundled clip."""
    video = cv2.VideoCapture(str(bundled_clip()))
    fps, size = video.get(cv2.CAP_PROP_FPS), (640, 480)
    path = tmp_path_factory.mktemp("clip") / "excerpt.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    index = 0
    while (read := video.read())[0]:
        if EXCERPT_S[0] <= index / fps <= EXCERPT_S[1]:
            writer.write(read[1])
        index += 1
    writer.release()
    return path


def lines(found) -> list[dict]:
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_the_slim_environment_has_no_training_library(slim):
    listed = subprocess.run(
        [slim / "python", "-m", "pip", "list", "--format=json"], capture_output=True, check=True
    )
    names = {package["name"].lower().replace("_", "-") for package in json.loads(listed.stdout)}
    assert not names & {
        "tensorflow",
        "tensorflow-cpu",
        "keras",
        "torch",
        "scikit-learn",
        "matplotlib",
        "amqtt",
    }


def test_the_demo_runs_in_the_slim_environment(slim, tmp_path):
    """The whole clip through the daemon and Mosquitto, printed by an ordinary subscriber."""
    with Mosquitto(tmp_path / "broker") as broker:
        command = [slim / "emotion-edge", "demo", "--json", "--broker", broker.url]
        events = lines(subprocess.run(command, capture_output=True, text=True, timeout=120))
        left = subprocess.run(
            ["mosquitto_sub", "-p", str(broker.port), "-t", "emo/#", "-W", "1", "-v"],
            capture_output=True,
            text=True,
        )
    assert {"neutral", "happy", "surprise"} <= {event["emotion"] for event in events}
    assert (
        sum(event["type"] == "new" for event in events)
        == sum(event["type"] == "end" for event in events)
        >= 4
    )
    assert left.stdout == "", "the demo left retained messages behind"


def test_the_figures_of_size_memory_and_start(slim):
    """Sizes only: how fast it is depends on the machine, so times are printed by `make bench` and not tested."""
    command = [slim / "emotion-edge", "bench", "--json"]
    figures = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=200).stdout
    )
    assert figures["environment_mb"] < MOST_ENVIRONMENT_MB
    assert figures["memory_peak_mb"] < MOST_MEMORY_MB
    assert figures["loop"]["events"] > 10
    assert figures["loop"]["frame_cpu_ms"]["median"] > 0
    assert figures["haar_every_frame"]["frame_cpu_ms"]["count"] == figures["loop"]["frame_cpu_ms"]["count"]
    assert figures["ratio"] > 0


def test_the_demo_brings_its_own_broker(excerpt):
    command = [sys.executable, "-m", "edge", "demo", "--json", "--source", str(excerpt)]
    events = lines(subprocess.run(command, capture_output=True, text=True, timeout=120))
    assert [event["emotion"] for event in events if event["type"] != "end"] == ["neutral", "happy"]
    assert events[-1]["type"] == "end"


def test_the_demo_is_readable_and_says_what_next(excerpt):
    command = [sys.executable, "-m", "edge", "demo", "--source", str(excerpt)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stderr) == (0, "")
    assert "arrived  neutral" in found.stdout
    assert "changed  happy" in found.stdout
    assert "Next: emotion-edge run" in found.stdout


def test_ctrl_c_ends_the_demo_cleanly(tmp_path):
    command = [sys.executable, "-m", "edge", "demo"]
    demo = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while "Playing" not in demo.stdout.readline():
        time.sleep(0.01)
    os.killpg(demo.pid, signal.SIGINT)
    output, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (0, ""), output


def test_a_source_that_is_none_ends_the_demo_with_its_line():
    found = subprocess.run(
        [sys.executable, "-m", "edge", "demo", "--source", "nowhere.mp4"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 3
    assert "nowhere.mp4" in found.stderr
    assert "Traceback" not in found.stderr
