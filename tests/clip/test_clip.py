"""The bundled clip holds what its truth says, and can be built again from the data."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
ASSETS = HERE.parent.parent / "edge" / "assets"
CLIP = ASSETS / "demo.mp4"
LIMIT_BYTES = 3_000_000
CHECK_EVERY = 5
"""Haar looks at every fifth frame: three a second, as many as the daemon's own detector."""
LEAST_HITS = 0.9
"""Share of a person's boxes in which Haar has to find the face."""
MOST_FALSE = 0.02
"""Wrong boxes per frame with nobody in view."""
MOST_FALSE_BESIDE = 0.05
"""Wrong boxes per frame with people in view, away from every face."""
LEAST_PSNR_DB = 35.0
LEAST_EXPRESSION_S = 2.5
"""A smoothed reading settles within this."""


@pytest.fixture(scope="module")
def truth():
    return json.loads((ASSETS / "demo.truth.json").read_text(encoding="utf-8"))


def read(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            return frames
        frames.append(frame)


@pytest.fixture(scope="module")
def frames():
    return read(CLIP)


@pytest.fixture(scope="module")
def haar():
    """Haar's boxes by frame number, as the finder asks for them: near faces, half-size picture."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))

    def find(frame: np.ndarray) -> list[tuple[int, int, int, int]]:
        gray = cv2.resize(
            cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
        )
        boxes = cascade.detectMultiScale(gray, 1.1, 5, minSize=(36, 36))
        return [tuple(int(2 * v) for v in box) for box in boxes]

    return find


def overlap(one, other) -> float:
    """Intersection over union."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def boxes_at(truth, t: float):
    """Every person's truth box nearest in time to `t`."""
    for person in truth["people"]:
        near = min(person["boxes"], key=lambda box: abs(box[0] - t))
        if abs(near[0] - t) <= 0.1 + 1e-6:
            yield person["person"], near[1:]


def test_size_and_frames_are_the_truths(truth, frames):
    assert CLIP.stat().st_size < LIMIT_BYTES
    capture = cv2.VideoCapture(str(CLIP))
    assert capture.isOpened()
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(truth["fps"])
    assert len(frames) == truth["frames"]
    assert frames[0].shape == (truth["height"], truth["width"], 3)
    assert len(frames) / truth["fps"] >= 20


def test_no_two_frames_in_a_row_are_identical(frames):
    same = sum(np.array_equal(a, b) for a, b in itertools.pairwise(frames))
    assert same == 0


def test_story(truth):
    people = truth["people"]
    seconds = truth["frames"] / truth["fps"]
    assert truth["nobody"][0][0] == 0
    assert truth["nobody"][0][1] >= 3
    assert seconds - truth["nobody"][-1][0] >= 2
    emotions = {e["emotion"] for p in people for e in p["expressions"] or ()}
    assert {"neutral", "happy"} < emotions
    for person in people:
        assert person["boxes"]
        for expression in person["expressions"] or ():
            assert person["from_s"] < expression["from_s"] < expression["to_s"] < person["to_s"]
            assert expression["to_s"] - expression["from_s"] >= LEAST_EXPRESSION_S
    near = [p for p in people if p["expressions"]]
    both = [(a, b) for a in near for b in near if a is not b and a["from_s"] < b["from_s"] < a["to_s"]]
    assert both, "two near people at the same time"


def test_expressions_are_held_still_and_near(truth):
    for person in truth["people"]:
        for expression in person["expressions"] or ():
            boxes = np.array(
                [b for b in person["boxes"] if expression["from_s"] <= b[0] <= expression["to_s"]]
            )
            assert len(boxes) >= 0.9 * (expression["to_s"] - expression["from_s"]) / 0.2
            assert boxes[:, 3].min() >= 120
            assert boxes[:, 3].max() <= 220
            assert np.ptp(boxes[:, 1:], axis=0).max() < 15


def test_nobody_is_found_where_nobody_is(truth, frames, haar):
    fps = truth["fps"]
    empty = [
        index
        for start, end in truth["nobody"]
        for index in range(int(np.ceil(start * fps)), min(int(end * fps), len(frames)), CHECK_EVERY)
    ]
    wrong = sum(len(haar(frames[index])) for index in empty)
    assert wrong / len(empty) <= MOST_FALSE


def test_everybody_is_found_where_the_truth_says(truth, frames, haar):
    fps = truth["fps"]
    seen: dict[str, list[bool]] = {}
    beside = looked = 0
    for index in range(0, len(frames), CHECK_EVERY):
        there = list(boxes_at(truth, index / fps))
        if not there:
            continue
        looked += 1
        found = haar(frames[index])
        for name, box in there:
            seen.setdefault(name, []).append(any(overlap(box, other) > 0.5 for other in found))
        beside += sum(all(overlap(box, other) < 0.3 for _, box in there) for other in found)
    shares = {name: float(np.mean(hits)) for name, hits in seen.items()}
    assert set(shares) == {person["person"] for person in truth["people"]}
    frontal = {person["person"] for person in truth["people"] if person["frontal"]}
    assert len(frontal) >= len(shares) - 1
    assert min(shares[name] for name in frontal) >= LEAST_HITS, shares
    assert beside / looked <= MOST_FALSE_BESIDE


def test_attribution_names_what_is_used():
    script = tomllib.loads((HERE / "script.toml").read_text(encoding="utf-8"))
    text = (ASSETS / "ATTRIBUTION.md").read_text(encoding="utf-8")
    clips = [script["corridor"]["clip"], *(w["clip"] for w in script["walkers"])]
    portraits = [p["portrait"] for p in script["people"] if p["portrait"] != "average"]
    for word in ("CC BY 4.0", "10.6084/m9.figshare.5047666", "sample-videos", "FER2013", *portraits):
        assert word in text
    for name in (*(Path(clip).name for clip in clips), *script["average"]["portraits"]):
        assert name in text


def test_a_wrong_data_folder_is_one_clear_line(tmp_path):
    run = subprocess.run(
        [sys.executable, str(HERE / "build.py"), "--data", str(tmp_path / "none"), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("error: ")
    assert run.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_clip_can_be_built_again(data_dir, tmp_path, truth, frames):
    subprocess.run(
        [sys.executable, str(HERE / "build.py"), "--data", str(data_dir), "--out", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    assert json.loads((tmp_path / "demo.truth.json").read_text(encoding="utf-8")) == truth
    again = read(tmp_path / "demo.mp4")
    assert len(again) == len(frames)
    low = min(psnr(frames[i], again[i]) for i in range(0, len(frames), CHECK_EVERY))
    assert low >= LEAST_PSNR_DB
