from __future__ import annotations

import numpy as np
import pytest

from convert.calibration import choose, committed_or_chosen, inputs
from edge.errors import DataError
from edge.preprocess import InputSpec, to_input
from train.data import load


def test_the_committed_rows_are_what_the_seed_chooses(data_dir):
    faces = load(data_dir / "fer2013.npz")
    indices, committed = committed_or_chosen(faces, 300)
    assert committed
    assert indices == choose(faces, 300)


def test_rows_are_training_faces_even_over_the_classes_and_clean(data_dir):
    faces = load(data_dir / "fer2013.npz")
    rows = np.array(committed_or_chosen(faces, 300)[0].rows)
    train = faces.take(faces.rows("train")).take(rows)
    assert len(set(rows.tolist())) == 300
    assert set(train.split) == {0}
    assert set(np.bincount(train.labels)) <= {42, 43}
    assert (train.votes.argmax(axis=1) < 8).all()


def test_other_data_gets_rows_of_its_own(faces):
    indices, committed = committed_or_chosen(faces, 14)
    assert not committed
    assert len(indices.rows) == 14
    assert max(indices.rows) < 28


def test_inputs_span_the_full_range_and_are_the_devices_preprocessing(faces):
    spec = InputSpec()
    indices = choose(faces, 10)
    pixels = inputs(faces, indices, spec)
    assert pixels.min() == 0
    assert pixels.max() == 255
    train = faces.take(faces.rows("train"))
    for row, found in zip(indices.rows[1:], pixels[1:], strict=True):
        assert np.array_equal(found, to_input(train.images[row], spec))


def test_no_training_faces_are_refused(faces):
    with pytest.raises(DataError, match="no training faces"):
        choose(faces.take(faces.rows("private")), 10)
