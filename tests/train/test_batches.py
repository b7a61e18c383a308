from __future__ import annotations

import msgspec
import numpy as np
import pytest

from edge.preprocess import to_input
from train.batches import Batches
from train.recipe import load_recipe


@pytest.fixture
def recipe(tiny_recipe):
    return load_recipe(tiny_recipe)


def test_an_epoch_has_every_face_once_in_an_order_of_its_own(faces, recipe):
    train = faces.take(faces.rows("train"))
    batches = Batches(train, None, recipe)
    first = [inputs for inputs, _ in batches.epoch(1)]
    assert [batch.shape for batch in first] == [(14, 48, 48, 1)] * 2
    prepared = sorted(to_input(image, recipe.input).tobytes() for image in train.images)
    assert sorted(face.tobytes() for face in np.concatenate(first)) == prepared
    again = [inputs for inputs, _ in batches.epoch(1)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], next(iter(batches.epoch(2)))[0])


def test_patches_without_a_face_teach_only_not_a_face(faces, recipe):
    training = msgspec.structs.replace(recipe.training, negatives_share=0.5, batch=42)
    recipe = msgspec.structs.replace(recipe, training=training)
    patches = np.random.default_rng(2).integers(0, 255, (30, 64, 64), dtype=np.uint8)
    batches = Batches(faces.take(faces.rows("train")), patches, recipe)
    (_, targets) = next(iter(batches.epoch(1)))
    negatives = targets["fer2013_weight"] == 0
    assert negatives.sum() == 14
    assert (targets["ferplus"][negatives, 9] == 1).all()
    assert (targets["ferplus_weight"] == 1).all()
