from __future__ import annotations

import numpy as np
import pytest

from train.answers import Answers
from train.unclear import auroc, measure, unclear_rows


def test_auroc_by_hand():
    # Pairs won: .9 > .1, .9 > .5, .5 > .1; .5 = .5 counts half.
    assert auroc(np.array([0.9, 0.5]), np.array([0.1, 0.5])) == pytest.approx(3.5 / 4)
    assert auroc(np.array([1.0]), np.array([0.0])) == 1.0
    assert auroc(np.array([0.2, 0.2]), np.array([0.2])) == 0.5


def test_auroc_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    high, low = random.normal(0.5, 1, 200).round(1), random.normal(0, 1, 300).round(1)
    truth = np.r_[np.ones(200), np.zeros(300)]
    assert auroc(high, low) == pytest.approx(metrics.roc_auc_score(truth, np.r_[high, low]))


def test_a_keras_model_has_no_threshold():
    sure = Answers({"ferplus": np.eye(10, dtype=np.float32)[[0, 1]] * 9})
    unsure = Answers({"ferplus": np.zeros((3, 10), np.float32)})
    found = measure("nothing", "ferplus", sure, unsure)
    assert (found.auroc, found.crops, found.clear, found.uncertain) == (1.0, 3, 2, None)


def test_rows_that_people_found_unclear():
    votes = np.zeros((4, 10), np.uint8)
    votes[1, 8], votes[2, 9], votes[3, 8] = 3, 5, 2
    assert [rows.tolist() for rows in unclear_rows(votes).values()] == [[2], [1]]
