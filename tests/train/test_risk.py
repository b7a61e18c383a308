from __future__ import annotations

import numpy as np
import pytest

from train.risk import risk_coverage

# Confidences .9 right, .8 wrong, .7 right, .6 wrong.
P = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], np.float32)
T = np.array([0, 1, 1, 0])


def test_curve_by_hand():
    found = risk_coverage(P, T, 0.75)
    at = dict(zip(np.round(found.coverages, 2), found.risks, strict=True))
    assert (at[0.25], at[0.5], at[0.75], at[1.0]) == (0.0, 0.5, pytest.approx(1 / 3), 0.5)
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.least_area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert (found.chosen.coverage, found.chosen.accuracy) == (0.5, 0.5)
    assert risk_coverage(P, T).chosen is None


def test_order_counts_only_by_confidence():
    order = np.array([2, 0, 3, 1])
    assert risk_coverage(P[order], T[order]).area == pytest.approx(risk_coverage(P, T).area)


def test_equal_confidences_share_their_error():
    p = np.full((4, 2), 0.5, np.float32)
    assert risk_coverage(p, np.array([0, 1, 0, 1])).risks == [0.5] * 20
