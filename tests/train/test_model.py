from __future__ import annotations

import numpy as np
import pytest

from edge.labels import HEADS
from train.recipe import load_recipe

keras = pytest.importorskip("keras")

from train.model import build, multiply_adds  # noqa: E402
from train.norm import FusedNorm  # noqa: E402


def test_the_committed_recipe_fits_the_devices_budget():
    model = build(load_recipe("emotion").network, HEADS)
    assert model.count_params() < 1_500_000
    assert multiply_adds(model) < 200_000_000
    assert list(model.output) == ["ferplus", "fer2013"]
    assert [tensor.shape for tensor in model.output.values()] == [(None, 10), (None, 7)]


def test_a_seed_decides_the_first_weights(tiny_recipe):
    network = load_recipe(tiny_recipe).network
    a, b, c = (build(network, HEADS, seed=seed).get_weights()[0] for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.fixture
def bfloat16():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.mark.usefixtures("bfloat16")
def test_the_fused_norm_computes_what_keras_does(tiny_recipe):
    network = load_recipe(tiny_recipe).network
    plain, fused = build(network, HEADS, seed=1), build(network, HEADS, seed=1, norm=FusedNorm)
    assert [w.shape for w in plain.weights] == [w.shape for w in fused.weights]
    fused.set_weights(plain.get_weights())
    faces = np.random.default_rng(0).random((6, 48, 48, 1), np.float32)
    for training in (False, True, False):
        for layer in (*plain.layers, *fused.layers):
            if type(layer).__name__ == "Dropout":
                layer.rate = 0.0
        one, other = plain(faces, training=training), fused(faces, training=training)
        for head in one:
            assert np.allclose(np.asarray(one[head]), np.asarray(other[head]), atol=2e-2)
    variance = next(w for w in plain.weights if "moving_variance" in w.path)
    same = next(w for w in fused.weights if "moving_variance" in w.path)
    assert not np.allclose(np.asarray(variance), 1)
    assert np.allclose(np.asarray(variance), np.asarray(same), rtol=3e-2), (
        "TensorFlow's own is n / (n - 1) as large"
    )


def test_multiply_adds_by_hand(tiny_recipe):
    stem, heads = 48**2 * 9 * 16, 32 * (10 + 7)
    first = 24**2 * (9 * 16 * 16 + 9 * 16 * 16 + 16 * 16)
    second = 12**2 * (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32)
    by_hand = stem + first + second + heads
    assert multiply_adds(build(load_recipe(tiny_recipe).network, HEADS)) == by_hand
