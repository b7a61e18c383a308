from __future__ import annotations

import msgspec
import numpy as np
import pytest

keras = pytest.importorskip("keras")

from train.augment import Augment, erase, light, move  # noqa: E402
from train.recipe import AugmentRecipe  # noqa: E402

NOTHING = AugmentRecipe(
    rotation_deg=0,
    scale=0,
    shift=0,
    contrast=0,
    brightness=0,
    gamma=0,
    side_light=0,
    erase_share=0,
    blur_share=0,
    low_resolution_share=0,
    noise_share=0,
)


@pytest.fixture
def pictures():
    return np.random.default_rng(1).random((16, 48, 48, 1), np.float32)


def test_shape_type_and_range_stay(pictures):
    changed = np.asarray(Augment(AugmentRecipe(), seed=3)(pictures))
    assert changed.shape == pictures.shape
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert np.isfinite(changed).all()
    assert not np.allclose(changed, pictures)


def test_with_everything_off_faces_are_the_same_or_mirrored(pictures):
    changed = np.asarray(Augment(NOTHING, seed=3)(pictures))
    mirrored = pictures[:, :, ::-1]
    same = np.abs(changed - pictures).max(axis=(1, 2, 3)) < 1e-3
    flipped = np.abs(changed - mirrored).max(axis=(1, 2, 3)) < 1e-3
    assert (same | flipped).all()
    assert same.any()
    assert flipped.any()


def test_the_same_seed_gives_the_same_faces_and_each_call_new_ones(pictures):
    first, second = Augment(AugmentRecipe(), seed=5), Augment(AugmentRecipe(), seed=5)
    a, b = np.asarray(first(pictures)), np.asarray(second(pictures))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, np.asarray(first(pictures)))


def test_a_shift_moves_by_no_more_than_its_share():
    recipe = msgspec.structs.replace(NOTHING, shift=0.25)
    spot = np.zeros((64, 48, 48, 1), np.float32)
    spot[:, 23:25, 23:25] = 1.0
    moved = np.asarray(move(spot, recipe, keras.random.SeedGenerator(1)))[..., 0]
    mass = moved.sum(axis=(1, 2))
    rows = (moved.sum(axis=2) * np.arange(48)).sum(axis=1) / mass
    assert np.abs(rows - 23.5).max() <= 6.05
    assert np.abs(rows - 23.5).max() > 3


def test_one_square_of_the_recipes_size_is_erased(pictures):
    recipe = msgspec.structs.replace(NOTHING, erase_share=1.0)
    changed = np.asarray(erase(pictures * 0 - 1, recipe, keras.random.SeedGenerator(1)))
    area = (changed >= 0).sum(axis=(1, 2, 3))
    assert area.min() >= 5 * 5
    assert area.max() <= 16 * 16


def test_light_keeps_order_of_gray_levels_where_it_is_even():
    ramp = np.tile(np.linspace(0, 1, 48, dtype=np.float32)[None, :, None, None], (8, 1, 48, 1))
    recipe = msgspec.structs.replace(AugmentRecipe(), side_light_share=0.0)
    changed = np.asarray(light(ramp, recipe, keras.random.SeedGenerator(1)))
    assert (np.diff(changed[:, :, 0, 0], axis=1) >= -1e-5).all()
