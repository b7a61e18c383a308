"""One preprocessing: training, calibration and the device make the same bytes of one picture."""

from __future__ import annotations

import numpy as np
import pytest

from convert.calibration import Indices, inputs
from edge.classifier import EmotionClassifier
from train.batches import Batches
from train.faces import Faces
from train.recipe import load_recipe


@pytest.mark.parametrize("side", [31, 48, 100])
def test_training_calibration_and_device_see_the_same_bytes(side, tiny_recipe, monkeypatch):
    classifier = EmotionClassifier.load()
    recipe = load_recipe(tiny_recipe)
    assert recipe.input == classifier.input_spec
    random = np.random.default_rng(side)
    images = random.integers(20, 200, (2, side, side), dtype=np.uint8)
    votes = np.tile(np.array([9, 0, 0, 0, 0, 0, 0, 0, 0, 0], np.uint8), (2, 1))
    faces = Faces(images, np.array([6, 6], np.int8), votes, np.zeros(2, np.uint8), "two pictures")

    trained = {face.tobytes() for batch, _ in Batches(faces, None, recipe).epoch(1) for face in batch}
    calibrated = inputs(faces, Indices(0, faces.counts("train"), (0, 1)), recipe.input)[1]

    fed: list[np.ndarray] = []
    run = classifier._network.run
    monkeypatch.setattr(classifier._network, "run", lambda values: fed.append(values.copy()) or run(values))
    classifier.predict(images[1:])
    device = (fed[0].astype(np.int16) + 128).astype(np.uint8).reshape(48, 48)

    assert device.tobytes() == calibrated.tobytes()
    assert device.tobytes() in trained
