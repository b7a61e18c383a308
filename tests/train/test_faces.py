"""Faces in memory: arrays that fit together, splits, counts, network inputs."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import DataError
from edge.preprocess import InputSpec
from train.data import load
from train.faces import NO_LABEL, PUBLISHED_COUNTS, Faces, describe, prepare


def test_published_counts_are_the_data_sets_sizes():
    assert [sum(counts) for counts in PUBLISHED_COUNTS.values()] == [28709, 3589, 3589]


def test_faces_refuse_arrays_that_do_not_fit_together(faces):
    with pytest.raises(DataError, match="56 images with labels"):
        Faces(faces.images, faces.labels[:-1], faces.votes, faces.split, "x")


def test_rows_and_take_keep_order(faces):
    rows = faces.rows("private")
    assert rows.tolist() == list(range(42, 56))
    part = faces.take(rows[::-1])
    assert np.array_equal(part.images[0], faces.images[55])
    assert part.labels[0] == faces.labels[55]


def test_counts_that_differ_from_the_published_are_reported(faces):
    lines = describe(faces)
    assert "random faces: 56 faces, 56 with FER+ votes" in lines[0]
    assert "Training: 28; differs: angry 4 (published 3995)" in lines[1]


def test_counts_that_equal_the_published_are_said_to(data_dir):
    lines = describe(load(data_dir / "fer2013.npz"))
    assert "PublicTest: 3,589, as published" in lines[2]
    assert "PrivateTest: 3,589, as published" in lines[3]
    assert "differs" in lines[1], "the npz lacks training images without a face"


def test_prepare_takes_pictures_of_any_size():
    images = [
        np.full((20, 30), 7, np.uint8),
        np.arange(100 * 100, dtype=np.uint32).reshape(100, 100).astype(np.uint8),
    ]
    assert prepare(images, InputSpec()).shape == (2, 48, 48)


def test_no_label_is_no_class():
    assert NO_LABEL not in range(7)
