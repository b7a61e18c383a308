from __future__ import annotations

import numpy as np
import pytest

from edge.errors import BundleError
from edge.labels import HEADS
from train.model import build
from train.recipe import load_recipe

keras = pytest.importorskip("keras")

from convert.fold import fold  # noqa: E402


@pytest.fixture
def model(tiny_recipe):
    """A network whose normalisations are far from their start."""
    model = build(load_recipe(tiny_recipe).network, HEADS, seed=1)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([random.uniform(0.3, 2.0, weight.shape) for weight in layer.get_weights()])
    return model


def test_the_folded_network_answers_the_same_without_normalisation(model):
    folded = fold(model)
    assert not {"BatchNormalization", "Dropout"} & {type(layer).__name__ for layer in folded.layers}
    faces = np.random.default_rng(1).random((5, 48, 48, 1), np.float32)
    before, after = model(faces, training=False), folded(faces)
    for head in HEADS:
        assert np.allclose(np.asarray(before[head]), np.asarray(after[head]), atol=1e-4)


def test_a_normalisation_elsewhere_is_refused():
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3, activation="relu", name="early")(image)
    x = keras.layers.BatchNormalization(name="late")(x)
    with pytest.raises(BundleError, match="'late' normalises the output of 'early'"):
        fold(keras.Model(image, {"x": x}))
