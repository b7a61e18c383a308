"""Honest probabilities and thresholds for `uncertain`, from the int8 network's own logits on PublicTest."""

from __future__ import annotations

import msgspec
import numpy as np

from edge.bundle import Head, Manifest, View
from edge.errors import DataError
from edge.labels import VIEW_HEAD, VIEW_LABELS, view_matrix
from train.answers import Answers
from train.faces import NO_LABEL, Faces
from train.metrics import Summary, choose_threshold, fit_temperature, summarise
from train.recipe import ConversionRecipe
from train.truth import TEST_VIEW, TESTS, truth


def plain_views() -> tuple[View, ...]:
    """Return the five views with no threshold yet."""
    return tuple(
        View(name, VIEW_HEAD[name], labels, tuple(map(tuple, view_matrix(name).tolist())), 0.0)
        for name, labels in VIEW_LABELS.items()
    )


def calibrate(manifest: Manifest, answers: Answers, public: Faces, recipe: ConversionRecipe) -> Manifest:
    """Return the manifest with a temperature for each head and a threshold for each view.

    Parameters
    ----------
    answers: the int8 network's, on `public`, which are PublicTest's faces.

    Raises
    ------
    DataError
        PublicTest has no face with a label of some head.
    """
    heads = tuple(_with_temperature(head, answers, public) for head in manifest.heads)
    manifest = msgspec.structs.replace(manifest, heads=heads)
    calibrated = Answers(answers.logits, manifest)
    views = []
    for view in manifest.views:
        right = truth(view.name, public)
        counts = right != NO_LABEL
        if not counts.any():
            raise DataError(f"{public.source}: no PublicTest face has a label of the view {view.name!r}")
        probabilities = calibrated.probabilities(view.name)[counts]
        target = recipe.answered_accuracy[view.name]
        threshold = choose_threshold(
            probabilities,
            right[counts],
            target,
            least_coverage=recipe.least_coverage,
            cap=recipe.uncertain_cap,
        )
        views.append(msgspec.structs.replace(view, uncertain_below=threshold))
    return msgspec.structs.replace(manifest, views=tuple(views))


def scores(manifest: Manifest, answers: Answers, faces: Faces) -> dict[str, Summary]:
    """Return the figures of each test on some faces, for the manifest."""
    calibrated = Answers(answers.logits, manifest)
    found = {}
    for test in TESTS:
        right = truth(test, faces)
        counts = right != NO_LABEL
        if counts.any():
            view = manifest.view(TEST_VIEW[test])
            probabilities = calibrated.probabilities(view.name)[counts]
            found[test] = summarise(probabilities, right[counts], view.labels, view.uncertain_below)
    return found


def _with_temperature(head: Head, answers: Answers, public: Faces) -> Head:
    # The view that carries the head's name is the one its labels are measured in.
    right = truth(head.name, public)
    counts = right != NO_LABEL
    if not counts.any():
        raise DataError(
            f"{public.source}: no PublicTest face has a label for the head {head.name!r}",
            expected="FER2013 with FER+ votes",
            fix="pass fer2013new.csv with --ferplus",
        )
    matrix = np.asarray(view_matrix(head.name), np.float64)
    return msgspec.structs.replace(
        head, temperature=round(fit_temperature(answers.logits[head.name][counts], matrix, right[counts]), 4)
    )
