"""One evaluation run with every figure of the report: gathered here, shown by `report_tables` and `report_page`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from train.answers import Answers
from train.corrupt import CORRUPTIONS, HEAVY_BLUR, corrupt
from train.faces import NO_LABEL, Faces
from train.group_audit import Group, audit
from train.intervals import Interval, bootstrap, wilson
from train.metrics import Scores, accuracy, calibration_error, reliability, score
from train.near_duplicates import Duplicates, duplicates
from train.network_cost import Cost, measure
from train.report_inputs import FLOAT, INT8, Inputs
from train.risk import RiskCoverage, risk_coverage
from train.robustness import RobustnessRow, robustness
from train.truth import TEST_VIEW, TESTS, majority, truth
from train.unclear import Unclear, unclear_rows
from train.unclear import measure as measure_unclear

Rows = npt.NDArray[np.int64]
Step = Callable[[str], None]
UNCLEAR_VIEWS = ("ferplus", "fer2013")
AUDIT_VIEW = "ferplus"
LEAST_SAME = 0.95
"""Quantisation alone kept more than 99 % of the answers of the networks measured so far."""


class TestFigures(msgspec.Struct, frozen=True):
    """All figures of one test on one split, with 95 % intervals."""

    scores: Scores
    accuracy: Interval
    macro_f1: Interval
    ece: Interval
    reliability: list[tuple[float, float, float]]
    """Mean confidence, accuracy and share of faces of each bin."""
    risk: RiskCoverage


class Without(msgspec.Struct, frozen=True):
    """A test's accuracy with and without the faces that have a near-copy in an earlier split."""

    split: str
    test: str
    faces: int
    kept: int
    accuracy: float
    without: float
    interval: Interval


class Figures(msgspec.Struct, frozen=True):
    """Everything `python -m train report` measures; the JSON is exactly this."""

    name: str
    version: str
    sha256: str
    data: str
    quick: int | None
    faces: dict[str, int]
    """Measured faces a split."""
    label_agreement: dict[str, float]
    """Share of the faces of all splits with both labels on which FER+'s, by either rule, is FER2013's own."""
    views: dict[str, dict[str, TestFigures]]
    subjects: dict[str, dict[str, float]]
    """Network to test to accuracy on PrivateTest."""
    float_same: float | None
    """Share of PrivateTest on which float and int8 give the same FER2013 answer."""
    unclear: list[Unclear]
    robustness: list[RobustnessRow]
    audit: list[Group]
    duplicates: list[Duplicates]
    without: list[Without]
    cost: dict[str, Cost]
    peer: str | None
    provenance: dict[str, Any]
    notes: list[str]


def steps() -> int:
    """Return how often `gather` reports a step."""
    return 7 + len(CORRUPTIONS)


def gather(inputs: Inputs, *, quick: int | None, step: Step) -> Figures:
    """Measure everything.

    Parameters
    ----------
    quick: at most so many crops of each set, chosen at random but always alike; None: all.
    step: called with the name of what was measured, `steps()` times.
    """
    faces, main = inputs.faces, inputs.subjects[0]
    rows = {split: _some(faces.rows(split), quick) for split in ("public", "private")}
    rows = {split: found for split, found in rows.items() if len(found)}
    answers = {split: main.ask(_images(faces, found)) for split, found in rows.items()}
    step("answers")
    views = {split: _tests(answers[split], faces.take(found)) for split, found in rows.items()}
    step("views")
    private = faces.take(rows["private"])
    crops = _images(faces, rows["private"])
    asked = {
        subject.name: answers["private"] if subject.name == INT8 else subject.ask(crops)
        for subject in inputs.subjects
    }
    subjects = {name: _accuracies(found, private) for name, found in asked.items()}
    same = _same(asked[INT8], asked[FLOAT]) if FLOAT in asked else None
    notes = list(inputs.notes)
    if same is not None and same < LEAST_SAME:
        notes.append(
            f"The float network gives int8's answer on only {same:.1%} of the faces, expected {LEAST_SAME:.0%}: "
            "it is hardly the one that the bundle was converted from."
        )
    step("networks side by side")
    unclear = _unclear(inputs, rows, quick)
    step("unclear crops")
    people = inputs.people.take(_some(np.arange(len(inputs.people.images)), quick)) if inputs.people else None
    groups = audit(main.ask(people.images), people, AUDIT_VIEW) if people else []
    step("groups")
    copies = _duplicates(faces, rows)
    without = _without(answers, faces, rows, copies)
    step("near-duplicates")
    spoiled = []
    for row in robustness(inputs.subjects, crops, private):
        spoiled.append(row)
        if len(spoiled) > 1:
            step(row.corruption)
    cost = measure(inputs.models, peer=inputs.peer)
    step("cost")
    manifest = inputs.bundle.manifest
    return Figures(
        manifest.name,
        manifest.version,
        manifest.model.sha256,
        faces.source,
        quick,
        {split: len(found) for split, found in rows.items()},
        _agreement(faces),
        views,
        subjects,
        same,
        unclear,
        spoiled,
        groups,
        copies,
        without,
        cost,
        inputs.peer,
        manifest.provenance,
        notes,
    )


def _some(rows: Rows, quick: int | None) -> Rows:
    if quick is None or len(rows) <= quick:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, quick, replace=False))


def _images(faces: Faces, rows: Rows) -> npt.NDArray[np.uint8]:
    return np.asarray(faces.images)[rows]


def _select(answers: Answers, rows: Rows | npt.NDArray[np.bool_]) -> Answers:
    return Answers({head: logits[rows] for head, logits in answers.logits.items()}, answers.manifest)


def _tests(answers: Answers, faces: Faces) -> dict[str, TestFigures]:
    found = {}
    for test in TESTS:
        right = truth(test, faces)
        counts = right != NO_LABEL
        if counts.any():
            view = TEST_VIEW[test]
            found[test] = _figures(_select(answers, counts), right[counts], view)
    return found


def _figures(answers: Answers, right: npt.NDArray[np.int64], view: str) -> TestFigures:
    p, labels = answers.probabilities(view), answers.labels(view)
    scores = score(p, right, labels, threshold=answers.threshold(view))
    shown = p.argmax(axis=1)
    size = len(labels)

    def macro_f1(chosen: Rows) -> float:
        table = np.bincount(right[chosen] * size + shown[chosen], minlength=size * size).reshape(size, size)
        hits = np.diag(table)
        return float(np.mean(2 * hits / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)))

    return TestFigures(
        scores,
        wilson(int((shown == right).sum()), len(right)),
        bootstrap(len(right), macro_f1),
        bootstrap(len(right), lambda chosen: calibration_error(p[chosen], right[chosen])),
        reliability(p, right),
        risk_coverage(p, right, answers.threshold(view)),
    )


def _accuracies(answers: Answers, faces: Faces) -> dict[str, float]:
    found = {}
    for test in TESTS:
        right = truth(test, faces)
        counts = right != NO_LABEL
        if counts.any():
            found[test] = accuracy(answers.probabilities(TEST_VIEW[test])[counts], right[counts])
    return found


def _same(quantised: Answers, exact: Answers) -> float:
    first, second = (answers.probabilities("fer2013").argmax(axis=1) for answers in (quantised, exact))
    return float((first == second).mean())


def _unclear(inputs: Inputs, rows: dict[str, Rows], quick: int | None) -> list[Unclear]:
    faces, main = inputs.faces, inputs.subjects[0]
    private = rows["private"]
    clear_rows = private[majority(faces.votes[private]) != NO_LABEL]
    if not len(clear_rows):
        return []
    clear_images = _images(faces, clear_rows)
    clear = main.ask(clear_images)
    tests = np.concatenate([faces.rows(split) for split in ("public", "private")])
    sets = {kind: _images(faces, tests[found]) for kind, found in unclear_rows(faces.votes[tests]).items()}
    if inputs.negatives is not None:
        sets["background patches"] = inputs.negatives[_some(np.arange(len(inputs.negatives)), quick)]
    sets["clear faces under heavy blur"] = corrupt(clear_images, HEAVY_BLUR)
    found = []
    for kind, images in sets.items():
        if len(images):
            unclear = main.ask(images)
            found += [measure_unclear(kind, view, clear, unclear) for view in UNCLEAR_VIEWS]
    return found


def _duplicates(faces: Faces, rows: dict[str, Rows]) -> list[Duplicates]:
    images = np.asarray(faces.images)
    pairs = [("public", "train"), ("private", "train"), ("private", "public")]
    return [duplicates(images, faces, split, within, rows[split]) for split, within in pairs if split in rows]


def _without(
    answers: dict[str, Answers], faces: Faces, rows: dict[str, Rows], copies: list[Duplicates]
) -> list[Without]:
    found = []
    for split, chosen in rows.items():
        seen = sorted({row for copy in copies if copy.split == split for row in copy.rows})
        fresh = ~np.isin(chosen, seen)
        part = faces.take(chosen)
        for test in TESTS:
            right = truth(test, part)
            counts = right != NO_LABEL
            kept = counts & fresh
            if kept.any():
                hits = answers[split].probabilities(TEST_VIEW[test]).argmax(axis=1) == right
                found.append(
                    Without(
                        split,
                        test,
                        int(counts.sum()),
                        int(kept.sum()),
                        float(hits[counts].mean()),
                        float(hits[kept].mean()),
                        wilson(int(hits[kept].sum()), int(kept.sum())),
                    )
                )
    return found


def _agreement(faces: Faces) -> dict[str, float]:
    same_word = np.array([FERPLUS_HEAD.index(name) for name in FER2013_HEAD])
    found = {}
    for test in ("ferplus", "ferplus_majority"):
        voted = truth(test, faces)
        both = (voted != NO_LABEL) & (faces.labels != NO_LABEL)
        if both.any():
            found[test] = float((same_word[faces.labels[both]] == voted[both]).mean())
    return found
