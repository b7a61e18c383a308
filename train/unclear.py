"""Does the network know when it does not know: confidence on clear faces against that on what shows no expression."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from edge.labels import FERPLUS_HEAD
from train.answers import Answers

LEAST_VOTES = 3
"""Votes from which a face counts as unclear to people: the top vote alone leaves one `not_a_face` in PrivateTest."""


class Unclear(msgspec.Struct, frozen=True):
    """How far confidence tells clear faces from one kind of unclear crop."""

    kind: str
    view: str
    crops: int
    clear: int
    auroc: float
    """Probability that a clear face has the higher confidence; 0.5 is chance."""
    uncertain: float | None
    """Share of the unclear crops that read `uncertain`."""
    clear_uncertain: float | None
    """The same of the clear faces: the price."""


def auroc(high: npt.NDArray[np.floating], low: npt.NDArray[np.floating]) -> float:
    """Return the area under the ROC curve by ranks (Mann & Whitney 1947): ties count half.

    Parameters
    ----------
    high, low: scores of what should score high and low, at least one each.
    """
    _, place, counts = np.unique(np.concatenate([high, low]), return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - (counts - 1) / 2
    ranks = middle_ranks[place][: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def measure(kind: str, view: str, clear: Answers, unclear: Answers) -> Unclear:
    """Compare the confidences of two sets of crops, at least one each."""
    sure, unsure = (np.max(answers.probabilities(view), axis=1) for answers in (clear, unclear))
    limit = clear.threshold(view)
    return Unclear(
        kind,
        view,
        len(unsure),
        len(sure),
        auroc(sure, unsure),
        None if limit is None else float((unsure < limit).mean()),
        None if limit is None else float((sure < limit).mean()),
    )


def unclear_rows(votes: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows that people found unclear, by kind; votes: uint8 (N, 10)."""
    kinds = {"not a face": "not_a_face", "unknown": "unknown"}
    return {
        f"FER+ {kind}, {LEAST_VOTES} votes or more": np.flatnonzero(
            votes[:, FERPLUS_HEAD.index(column)] >= LEAST_VOTES
        )
        for kind, column in kinds.items()
    }
