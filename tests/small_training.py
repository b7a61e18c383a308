"""Small data and a small network, so that the tests of training and conversion run in seconds."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest

from train.faces import Faces


def make_faces(train=28, public=14, private=14, seed=0) -> Faces:
    """Random pictures with every FER2013 class in every split and votes that agree with the label."""
    count = train + public + private
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(7), count // 7 + 1)[:count].astype(np.int8)
    to_ferplus = np.array([4, 5, 6, 1, 3, 2, 0])
    votes = np.zeros((count, 10), np.uint8)
    votes[np.arange(count), to_ferplus[labels]] = 8
    votes[:, 8] = 2
    split = np.repeat([0, 1, 2], [train, public, private]).astype(np.uint8)
    return Faces(
        random.integers(0, 256, (count, 48, 48), dtype=np.uint8), labels, votes, split, "random faces"
    )


@pytest.fixture
def faces() -> Faces:
    return make_faces()


# TensorFlow 2.21 with oneDNN crashes in float32 training on fewer than 16 channels.
TINY_RECIPE = """
[network]
name = "tiny"
size_px = 48
stem_filters = 16
filters = [16, 32]
depths = [1, 1]

[training]
epochs = 2
batch = 14
precision = "float32"
"""


@pytest.fixture
def tiny_recipe(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return path
