from __future__ import annotations

import numpy as np
import pytest

from train.intervals import bootstrap, of_mean, wilson


def test_wilson_against_published_values():
    # Newcombe 1998, table I: 81 of 263 and 0 of 20.
    some = wilson(81, 263)
    assert (some.low, some.high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    none = wilson(0, 20)
    assert (none.low, none.high) == (pytest.approx(0.0), pytest.approx(0.1611, abs=1e-4))
    assert wilson(0, 0).high == 1.0


def test_interval_of_a_mean():
    found = of_mean(np.array([0.0, 1.0] * 50))
    assert found.low == pytest.approx(0.5 - 1.96 * np.std([0, 1] * 50, ddof=1) / 10, abs=1e-4)
    assert of_mean(np.array([0.3])).low == 0.3


def test_bootstrap_is_seeded_and_near_wilson():
    hits = np.arange(1000) < 800
    found = bootstrap(1000, lambda rows: float(hits[rows].mean()))
    assert found == bootstrap(1000, lambda rows: float(hits[rows].mean()))
    exact = wilson(800, 1000)
    assert (found.low, found.high) == (
        pytest.approx(exact.low, abs=0.01),
        pytest.approx(exact.high, abs=0.01),
    )
