"""What the network is taught with: the votes of ten annotators and FER2013's own label, each masked where absent."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from train.faces import NO_LABEL


def vote_targets(votes: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Turn FER+ votes into a distribution, as its paper does: single votes are taken for slips and removed.

    Parameters
    ----------
    votes: uint8 (N, 10).

    Returns
    -------
    targets: float32 (N, 10), rows sum to 1, or to 0 where no vote is left.
    weights: float32 (N,), 1 where a row counts and 0 where no vote is left.
    """
    kept = np.where(votes > 1, votes, 0).astype(np.float32)
    total = kept.sum(axis=1, keepdims=True)
    targets = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
    return targets, (total[:, 0] > 0).astype(np.float32)


def label_targets(
    labels: npt.NDArray[np.int8], classes: int, smoothing: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Turn labels into smoothed distributions (Szegedy et al. 2015, arXiv 1512.00567).

    Parameters
    ----------
    labels: int8 (N,), `NO_LABEL` where a face has none.
    smoothing: probability that is spread evenly over all classes.

    Returns
    -------
    targets: float32 (N, classes); weights: float32 (N,), 0 where there is no label.
    """
    known = labels != NO_LABEL
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.flatnonzero(known), labels[known]] += 1.0 - smoothing
    targets[~known] = 0.0
    return targets, known.astype(np.float32)


def cross_entropy(targets: Any, logits: Any, weights: Any) -> Any:
    """Return the mean cross-entropy over the rows that count, a scalar; 0 where none does.

    Parameters
    ----------
    targets, logits: (N, classes). weights: (N,), 0 or 1.
    """
    from keras import ops

    rows = -ops.sum(targets * ops.log_softmax(ops.cast(logits, "float32"), axis=-1), axis=-1)
    return ops.sum(rows * weights) / ops.maximum(ops.sum(weights), 1.0)
