"""Float against int8: how often they agree, what quantisation costs, and on which faces it hurts most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from edge.errors import DataError
from edge.preprocess import InputSpec, to_input
from train.answers import Answers
from train.faces import NO_LABEL, Faces
from train.metrics import accuracy
from train.truth import TEST_VIEW, TESTS, truth

SHEET_COLUMNS = 6
SHEET_FACE_PX = 120
SHEET_TEXT_PX = 34


class HeadDifference(msgspec.Struct, frozen=True):
    """How far one head's logits are apart."""

    agreement: float
    """Share of faces with the same top label."""
    mean_difference: float
    """Mean absolute difference of a logit."""
    max_difference: float


class TestDifference(msgspec.Struct, frozen=True):
    """What quantisation costs in one test."""

    faces: int
    float_accuracy: float
    int8_accuracy: float
    drop_points: float


class WorstFace(msgspec.Struct, frozen=True):
    """A face on which the two differ most."""

    row: int
    """Position within the split."""
    difference: float
    """Largest absolute difference of a logit."""
    float_label: str
    int8_label: str
    truth: str


class Comparison(msgspec.Struct, frozen=True):
    """What `python -m convert compare --json` prints for one split."""

    heads: dict[str, HeadDifference]
    tests: dict[str, TestDifference]
    worst: list[WorstFace]


def compare(exact: Answers, quantised: Answers, faces: Faces, *, worst: int) -> Comparison:
    """Compare answers to the same faces; `worst` of them are named."""
    heads = {}
    for head, logits in exact.logits.items():
        other = quantised.logits[head]
        gap = np.abs(logits - other)
        same = float((logits.argmax(axis=1) == other.argmax(axis=1)).mean())
        heads[head] = HeadDifference(same, float(gap.mean()), float(gap.max()))
    tests = {}
    for test in TESTS:
        right = truth(test, faces)
        counts = right != NO_LABEL
        if counts.any():
            before = accuracy(exact.probabilities(TEST_VIEW[test])[counts], right[counts])
            after = accuracy(quantised.probabilities(TEST_VIEW[test])[counts], right[counts])
            tests[test] = TestDifference(int(counts.sum()), before, after, (before - after) * 100)
    return Comparison(heads, tests, _worst(exact, quantised, faces, worst))


def _worst(exact: Answers, quantised: Answers, faces: Faces, count: int) -> list[WorstFace]:
    gaps = [np.abs(exact.logits[head] - quantised.logits[head]).max(axis=1) for head in exact.logits]
    gap = np.max(gaps, axis=0)
    view = "fer2013"
    labels = exact.labels(view)
    before, after = (answers.probabilities(view).argmax(axis=1) for answers in (exact, quantised))
    right = truth(view, faces)
    return [
        WorstFace(
            int(row),
            float(gap[row]),
            labels[before[row]],
            labels[after[row]],
            labels[right[row]] if right[row] != NO_LABEL else "",
        )
        for row in np.argsort(-gap, kind="stable")[:count]
    ]


def as_text(split: str, result: Comparison) -> str:
    """Return one split's comparison for people."""
    lines = [split, f"  {'head':<20}{'agreement':>10}{'mean diff':>11}{'max diff':>10}"]
    for name, head in result.heads.items():
        lines.append(
            f"  {name:<20}{head.agreement:>10.2%}{head.mean_difference:>11.3f}{head.max_difference:>10.3f}"
        )
    lines.append(f"  {'test':<20}{'float':>10}{'int8':>11}{'drop':>10}  faces")
    for name, test in result.tests.items():
        figures = f"{test.float_accuracy:>10.2%}{test.int8_accuracy:>11.2%}{test.drop_points:>10.2f}"
        lines.append(f"  {name:<20}{figures}  {test.faces}")
    lines.append("  worst faces (row of the split, largest logit difference, float -> int8, truth)")
    lines += [
        f"  {face.row:>6}  {face.difference:.3f}  {face.float_label} -> {face.int8_label}  ({face.truth})"
        for face in result.worst
    ]
    return "\n".join(lines)


def write_sheet(path: Path, result: Comparison, faces: Faces, spec: InputSpec) -> None:
    """Write a picture of the worst faces as the network sees them, with both answers.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    tiles: list[Any] = []
    for face in result.worst:
        pixels = to_input(faces.images[face.row], spec)
        tile = np.full((SHEET_FACE_PX + SHEET_TEXT_PX, SHEET_FACE_PX), 255, np.uint8)
        tile[:SHEET_FACE_PX] = cv2.resize(
            pixels, (SHEET_FACE_PX, SHEET_FACE_PX), interpolation=cv2.INTER_NEAREST
        )
        for line, text in enumerate(
            (f"{face.row}: {face.difference:.2f}", f"{face.float_label}>{face.int8_label}")
        ):
            where = (2, SHEET_FACE_PX + 13 + 15 * line)
            cv2.putText(tile, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.38, 0, 1, cv2.LINE_AA)
        tiles.append(tile)
    while len(tiles) % SHEET_COLUMNS:
        tiles.append(np.full_like(tiles[0], 255))
    rows = [np.hstack(tiles[start : start + SHEET_COLUMNS]) for start in range(0, len(tiles), SHEET_COLUMNS)]
    done, encoded = cv2.imencode(".png", np.vstack(rows))
    if not done:
        raise DataError(f"cannot encode {path}", expected="PNG")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}", fix="pass another --sheet") from None
