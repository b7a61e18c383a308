"""How right, how even over the classes, and how honest about its confidence a set of answers is."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

ECE_BINS: Final = 15
TEMPERATURES: Final = (0.2, 5.0)
"""Where a temperature is looked for; a network that needs more is broken, not badly calibrated."""
TEMPERATURE_STEP: Final = 1e-4
"""The search ends when the logarithm is known to this."""
SMALLEST: Final = 1e-12
"""Probabilities below this count as this: a logarithm must stay finite."""
Probabilities = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


class Answered(msgspec.Struct, frozen=True):
    """What happens when a reading below a threshold is left `uncertain`."""

    threshold: float
    coverage: float
    """Share of faces that are answered."""
    accuracy: float
    """Of those answered; 0 where none is."""


class Scores(msgspec.Struct, frozen=True):
    """Figures of one test on one split."""

    faces: int
    accuracy: float
    macro_f1: float
    ece: float
    per_class: dict[str, dict[str, float]]
    """For each label: precision, recall, f1, support."""
    confusion: list[list[int]]
    """Rows: truth; columns: answer."""
    answered: Answered | None = None


def softmax(logits: npt.NDArray[Any], temperature: float = 1.0) -> Probabilities:
    """Return probabilities of logits divided by a temperature, float32 (N, labels)."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    exponentials = np.exp(scaled)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def accuracy(probabilities: Probabilities, truth: Labels) -> float:
    """Return the share of faces whose most probable label is the true one."""
    return float((probabilities.argmax(axis=1) == truth).mean())


def calibration_error(probabilities: Probabilities, truth: Labels, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error (Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599).

    The gap between confidence and accuracy in bins of equal width, weighted by the faces in each.
    """
    error = 0.0
    for confidence, right, share in reliability(probabilities, truth, bins):
        error += abs(confidence - right) * share
    return error


def reliability(
    probabilities: Probabilities, truth: Labels, bins: int = ECE_BINS
) -> list[tuple[float, float, float]]:
    """Return mean confidence, accuracy and share of faces of each bin that is not empty."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows = [(confidence[index == i], right[index == i]) for i in range(bins)]
    return [(float(c.mean()), float(r.mean()), len(c) / len(truth)) for c, r in rows if len(c)]


def answered(probabilities: Probabilities, truth: Labels, threshold: float) -> Answered:
    """Return coverage and accuracy of the faces whose confidence is at least `threshold`."""
    sure = probabilities.max(axis=1) >= threshold
    right = (probabilities.argmax(axis=1) == truth)[sure]
    return Answered(threshold, float(sure.mean()), float(right.mean()) if len(right) else 0.0)


def choose_threshold(
    probabilities: Probabilities,
    truth: Labels,
    target: float,
    *,
    least_coverage: float = 0.0,
    cap: float = 1.0,
) -> float:
    """Return the lowest threshold, in hundredths, at which what is answered is right to `target`.

    Where that would answer less than `least_coverage`, the highest threshold that answers so much; never more
    than `cap`.
    """
    chosen = 0.0
    for hundredth in range(round(cap * 100) + 1):
        result = answered(probabilities, truth, hundredth / 100)
        if result.coverage < least_coverage or result.coverage == 0:
            break
        chosen = hundredth / 100
        if result.accuracy >= target:
            break
    return chosen


def fit_temperature(logits: npt.NDArray[Any], matrix: npt.NDArray[Any], truth: Labels) -> float:
    """Return the temperature that makes the probabilities shown honest (Guo et al. 2017), by golden-section search.

    It has the least cross-entropy between the true labels and the view's probabilities.

    Parameters
    ----------
    logits: (N, head labels). matrix: (head labels, view labels). truth: (N,), each an index of the view's labels.
    """
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, math.exp(log_temperature)) @ matrix
        return float(-np.log(np.maximum(probabilities[rows, truth], SMALLEST)).mean())

    low, high = (math.log(bound) for bound in TEMPERATURES)
    ratio = (math.sqrt(5.0) - 1) / 2
    while high - low > TEMPERATURE_STEP:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


class Summary(msgspec.Struct, frozen=True):
    """The figures of one test that a manifest carries."""

    faces: int
    accuracy: float
    ece: float
    coverage: float
    answered_accuracy: float
    recall: dict[str, float]
    """For each label that has faces: the share of them that gets it."""


def summarise(
    probabilities: Probabilities, truth: Labels, labels: tuple[str, ...], threshold: float
) -> Summary:
    """Return the figures that need no scikit-learn, rounded to what the test noise leaves."""
    sure = answered(probabilities, truth, threshold)
    answer = probabilities.argmax(axis=1)
    recall = {
        name: round(float((answer[truth == index] == index).mean()), 4)
        for index, name in enumerate(labels)
        if (truth == index).any()
    }
    return Summary(
        faces=len(truth),
        accuracy=round(accuracy(probabilities, truth), 4),
        ece=round(calibration_error(probabilities, truth), 4),
        coverage=round(sure.coverage, 4),
        answered_accuracy=round(sure.accuracy, 4),
        recall=recall,
    )


def score(
    probabilities: Probabilities, truth: Labels, labels: tuple[str, ...], *, threshold: float | None = None
) -> Scores:
    """Return all figures of one test; needs scikit-learn.

    Parameters
    ----------
    probabilities: (N, labels). truth: (N,), each an index of `labels`.
    """
    from sklearn.metrics import classification_report, confusion_matrix

    answer = probabilities.argmax(axis=1)
    indices = list(range(len(labels)))
    report: dict[str, Any] = classification_report(
        truth, answer, labels=indices, target_names=labels, output_dict=True, zero_division=0
    )
    per_class = {
        name: {
            "precision": float(report[name]["precision"]),
            "recall": float(report[name]["recall"]),
            "f1": float(report[name]["f1-score"]),
            "support": float(report[name]["support"]),
        }
        for name in labels
    }
    return Scores(
        faces=len(truth),
        accuracy=accuracy(probabilities, truth),
        macro_f1=float(np.mean([row["f1"] for row in per_class.values()])),
        ece=calibration_error(probabilities, truth),
        per_class=per_class,
        confusion=confusion_matrix(truth, answer, labels=indices).tolist(),
        answered=None if threshold is None else answered(probabilities, truth, threshold),
    )
