"""The one loader says what it reads and what is wrong with a path."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import DataError
from train.data import load, load_negatives


def test_a_missing_path_says_what_is_read(tmp_path):
    with pytest.raises(DataError, match=r"no data at .*expected fer2013\.npz, fer2013\.csv, or a folder"):
        load(tmp_path / "nothing.npz")


def test_an_unknown_suffix_is_refused(tmp_path):
    path = tmp_path / "faces.parquet"
    path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"\.parquet file; expected a \.npz, a \.csv or a folder"):
        load(path)


def test_negatives_beside_the_data_are_found_and_elsewhere_not_missed(tmp_path):
    data = tmp_path / "fer2013.npz"
    assert load_negatives(data) is None
    np.savez(tmp_path / "negatives.npz", image=np.zeros((3, 64, 64), np.uint8))
    assert load_negatives(data).shape == (3, 64, 64)
    with pytest.raises(DataError, match=r"other\.npz"):
        load_negatives(data, tmp_path / "other.npz")
