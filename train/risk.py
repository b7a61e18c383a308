"""Risk and coverage: how wrong the answers are when only the surest share of faces is answered."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from train.metrics import Answered, Labels, Probabilities, answered

COVERAGES: Final = tuple(share / 20 for share in range(1, 21))
"""Where the curve is kept: every twentieth of the faces."""


class RiskCoverage(msgspec.Struct, frozen=True):
    """The risk-coverage curve of one test (Geifman & El-Yaniv 2017, arXiv 1705.08500)."""

    coverages: list[float]
    risks: list[float]
    """Share of wrong answers among the surest `coverages` of the faces."""
    area: float
    """Mean risk over all coverages; lower is better."""
    least_area: float
    """What a confidence that put every wrong answer last would reach with the same answers."""
    chosen: Answered | None
    """What happens at the manifest's `uncertain_below`."""


def risk_coverage(
    probabilities: Probabilities, truth: Labels, threshold: float | None = None
) -> RiskCoverage:
    """Return the curve; faces of equal confidence keep their mean error, so that their order does not count.

    Parameters
    ----------
    probabilities: (N, labels). truth: (N,), each an index of the labels. N is at least 1.
    """
    wrong = (probabilities.argmax(axis=1) != truth).astype(np.float64)
    confidence = probabilities.max(axis=1)
    _, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    shared = np.bincount(group, wrong) / sizes
    risks = _running(shared[group][np.argsort(group, kind="stable")])
    places = np.maximum(np.ceil(np.array(COVERAGES) * len(wrong)).astype(int), 1) - 1
    return RiskCoverage(
        list(COVERAGES),
        [float(risk) for risk in risks[places]],
        float(risks.mean()),
        float(_running(np.sort(wrong)).mean()),
        None if threshold is None else answered(probabilities, truth, threshold),
    )


def _running(values: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    return np.asarray(np.cumsum(values) / np.arange(1, len(values) + 1))
