"""The report on a network: every test on every split asked for, as numbers, as text and as plots."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from edge.errors import DataError
from train.answers import Answers
from train.faces import NO_LABEL, SPLIT_TITLES, Faces
from train.metrics import Scores, score
from train.truth import TEST_VIEW, TESTS, truth

TITLES: Final = {
    "ferplus": "FER+ (arg-max)",
    "ferplus_majority": "FER+ (majority)",
    "fer2013": "FER2013",
    "basic": "basic (four classes of FER2013)",
    "five": "five (five classes of FER2013)",
    "happy": "happy or not (FER+ arg-max)",
}


class Report(msgspec.Struct, frozen=True):
    """What `python -m train evaluate --json` prints."""

    model: str
    data: str
    splits: dict[str, dict[str, Scores]]
    """Split to test to figures; a test that no face of the data counts for is left out."""


def evaluate(answers: Answers, faces: Faces) -> dict[str, Scores]:
    """Return the figures of each test.

    Parameters
    ----------
    answers: of exactly these faces, in their order.

    Raises
    ------
    DataError
        There are no faces.
    """
    if not len(faces):
        raise DataError(f"{faces.source} has no faces in this split", fix="choose another --split")
    results: dict[str, Scores] = {}
    for test in TESTS:
        right = truth(test, faces)
        counts = right != NO_LABEL
        if counts.any():
            view = TEST_VIEW[test]
            probabilities = answers.probabilities(view)[counts]
            results[test] = score(
                probabilities, right[counts], answers.labels(view), threshold=answers.threshold(view)
            )
    return results


def as_text(report: Report) -> str:
    """Return the report for people."""
    lines = [f"{report.model} on {report.data}"]
    for split, tests in report.splits.items():
        lines += [
            "",
            SPLIT_TITLES[split],
            f"  {'test':<34}{'faces':>6}{'accuracy':>10}{'macro-F1':>10}{'ECE':>7}  answered",
        ]
        for test, scores in tests.items():
            lines.append(_summary(test, scores))
        for test, scores in tests.items():
            lines += [
                "",
                f"  {TITLES[test]}",
                f"    {'':<12}{'precision':>10}{'recall':>8}{'f1':>7}{'faces':>7}",
            ]
            for name, row in scores.per_class.items():
                figures = (
                    f"{row['precision']:>10.3f}{row['recall']:>8.3f}{row['f1']:>7.3f}{row['support']:>7.0f}"
                )
                lines.append(f"    {name:<12}{figures}")
    return "\n".join(lines)


def _summary(test: str, scores: Scores) -> str:
    line = f"  {TITLES[test]:<34}{scores.faces:>6}{scores.accuracy:>10.2%}{scores.macro_f1:>10.3f}{scores.ece:>7.3f}"
    answered = scores.answered
    if answered is None:
        return line
    return line + f"  {answered.accuracy:.2%} of {answered.coverage:.1%} (from {answered.threshold:.2f})"


def write_plots(
    folder: Path, split: str, answers: Answers, faces: Faces, results: dict[str, Scores]
) -> list[Path]:
    """Write a confusion matrix and a reliability diagram of each test as PNG; return the files.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    from train.plots import confusion_plot, reliability_plot

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for test, scores in results.items():
            view = TEST_VIEW[test]
            title = f"{TITLES[test]}, {SPLIT_TITLES[split]}"
            path = folder / f"confusion-{split}-{test}.png"
            confusion_plot(path, scores, answers.labels(view), title)
            written.append(path)
            right = truth(test, faces)
            counts = right != NO_LABEL
            path = folder / f"reliability-{split}-{test}.png"
            reliability_plot(path, answers.probabilities(view)[counts], right[counts], scores, title)
            written.append(path)
    except OSError as error:
        raise DataError(
            f"cannot write plots to {folder}: {error.strerror}", fix="pass another --plots"
        ) from None
    return written
