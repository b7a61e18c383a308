from __future__ import annotations

import math

import numpy as np
import pytest

from train.faces import NO_LABEL
from train.losses import cross_entropy, label_targets, vote_targets


def test_single_votes_are_removed_before_votes_become_a_distribution():
    votes = np.array([[6, 3, 1, 0, 0, 0, 0, 0, 0, 0], [1] * 10, [0] * 10, [0] * 8 + [2, 8]], np.uint8)
    targets, weights = vote_targets(votes)
    assert targets[0].tolist() == pytest.approx([2 / 3, 1 / 3] + [0] * 8)
    assert targets[3].tolist() == pytest.approx([0] * 8 + [0.2, 0.8])
    assert weights.tolist() == [1, 0, 0, 1]
    assert targets[1:3].sum() == 0


def test_labels_are_smoothed_and_absent_ones_masked():
    targets, weights = label_targets(np.array([2, NO_LABEL], np.int8), 4, 0.2)
    assert targets[0].tolist() == pytest.approx([0.05, 0.05, 0.85, 0.05])
    assert targets[1].sum() == 0
    assert weights.tolist() == [1, 0]


def test_cross_entropy_by_hand_and_rows_without_weight_do_not_count():
    logits = np.array([[0.0, math.log(3.0)], [100.0, -100.0]], np.float32)
    targets = np.array([[0.5, 0.5], [0.0, 1.0]], np.float32)
    by_hand = -0.5 * math.log(0.25) - 0.5 * math.log(0.75)
    assert float(cross_entropy(targets, logits, np.array([1.0, 0.0], np.float32))) == pytest.approx(
        by_hand, rel=1e-5
    )
    assert float(cross_entropy(targets, logits, np.zeros(2, np.float32))) == 0.0
