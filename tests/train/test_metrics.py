from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from train import metrics

P = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.55, 0.45]], np.float32)
T = np.array([0, 1, 1, 0])


def test_accuracy_by_hand():
    assert metrics.accuracy(P, T) == 0.75


def test_calibration_error_by_hand():
    # Confidences .9 right, .6 wrong, .7 right, .55 right: four bins of 15, each with one face.
    assert metrics.calibration_error(P, T) == pytest.approx((0.1 + 0.6 + 0.3 + 0.45) / 4, abs=1e-6)


def test_calibration_error_of_one_bin():
    p = np.array([[0.81, 0.19]] * 10, np.float32)
    t = np.array([0] * 7 + [1] * 3)
    assert metrics.calibration_error(p, t) == pytest.approx(0.11, abs=1e-6)


def test_answered_counts_only_the_sure():
    found = metrics.answered(P, T, 0.6)
    assert (found.coverage, found.accuracy) == (0.75, pytest.approx(2 / 3))
    assert metrics.answered(P, T, 0.99).accuracy == 0.0


def test_threshold_is_the_lowest_that_reaches_the_target():
    assert metrics.choose_threshold(P, T, 0.7) == 0.0
    assert metrics.choose_threshold(P, T, 1.0) == 0.61
    assert metrics.choose_threshold(P, T, 1.0, least_coverage=0.75) == 0.6
    assert metrics.choose_threshold(P, T, 1.0, cap=0.5) == 0.5


@given(arrays(np.float32, (5, 4), elements=st.floats(-60, 60, width=32)), st.floats(0.3, 4))
def test_softmax_rows_sum_to_one_and_keep_the_order(logits, temperature):
    p = metrics.softmax(logits, temperature)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert (p[np.arange(5), logits.argmax(axis=1)] >= p.max(axis=1) - 1e-7).all()


def test_temperature_undoes_a_known_one():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20000, 5))
    p = metrics.softmax(logits).astype(float)
    truth = (p.cumsum(axis=1) > random.random((20000, 1))).argmax(axis=1)
    found = metrics.fit_temperature(logits * 2.5, np.eye(5), truth)
    assert found == pytest.approx(2.5, rel=0.03)


def test_score_by_hand():
    pytest.importorskip("sklearn")
    found = metrics.score(P, T, ("a", "b"), threshold=0.6)
    assert found.confusion == [[2, 0], [1, 1]]
    assert found.per_class["a"]["precision"] == pytest.approx(2 / 3)
    assert found.per_class["b"]["recall"] == 0.5
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.answered.threshold == 0.6


def test_a_class_that_never_comes_counts_as_zero_in_macro_f1():
    pytest.importorskip("sklearn")
    p = np.array([[0.9, 0.1, 0.0]] * 2, np.float32)
    assert metrics.score(p, np.array([0, 0]), ("a", "b", "c")).macro_f1 == pytest.approx(1 / 3)


def test_softmax_by_hand():
    p = metrics.softmax(np.array([[0.0, math.log(9.0)]]), 2.0)
    assert p[0].tolist() == pytest.approx([0.25, 0.75])


def test_summary_by_hand_names_only_labels_that_have_faces():
    found = metrics.summarise(P, T, ("a", "b"), 0.6)
    assert (found.faces, found.accuracy, found.coverage, found.recall) == (
        4,
        0.75,
        0.75,
        {"a": 1.0, "b": 0.5},
    )
    assert metrics.summarise(P[:1], T[:1], ("a", "b"), 0.0).recall == {"a": 1.0}
