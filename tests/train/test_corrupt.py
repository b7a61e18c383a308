from __future__ import annotations

import numpy as np
import pytest

from train.corrupt import CORRUPTIONS, HEAVY_BLUR, corrupt


@pytest.fixture
def crops():
    return np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize("corruption", [*CORRUPTIONS, HEAVY_BLUR], ids=lambda c: c.name)
def test_a_corruption_keeps_shape_and_type_is_seeded_and_changes_the_face(crops, corruption):
    before = crops.copy()
    spoiled = corrupt(crops, corruption, seed=3)
    assert spoiled.shape == crops.shape
    assert spoiled.dtype == np.uint8
    assert np.array_equal(crops, before)
    assert np.array_equal(spoiled, corrupt(crops, corruption, seed=3))
    assert (spoiled != crops).any(axis=(1, 2)).all()


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: c.name)
def test_a_face_is_spoiled_alike_in_any_selection(crops, corruption):
    whole = corrupt(crops, corruption)
    assert np.array_equal(corrupt(crops[[3, 1]], corruption), whole[[3, 1]])


def test_another_seed_draws_anew(crops):
    noise = next(c for c in CORRUPTIONS if c.name == "noise 10")
    assert (corrupt(crops, noise, seed=0) != corrupt(crops, noise, seed=1)).any()


def test_names_are_unique_and_parameters_documented():
    assert len({c.name for c in CORRUPTIONS}) == len(CORRUPTIONS)
    assert all(c.parameters for c in CORRUPTIONS)


def test_strengths_by_hand():
    gray = np.full((1, 48, 48), 100, np.uint8)
    by_name = {c.name: c for c in CORRUPTIONS}
    for name in ("blur 1", "blur 2", "32 px", "24 px", "rotated +15°", "box moved 20 %", "box 1.2"):
        assert (corrupt(gray, by_name[name]) == 100).all(), name
    assert corrupt(gray, by_name["noise 25"]).std() == pytest.approx(25, rel=0.1)
    assert corrupt(gray, by_name["dark 35 %"]).mean() == pytest.approx(35, abs=0.5)
    back = corrupt(gray, by_name["back-light"])[0]
    assert back[0, 0] == 245
    assert back[24, 24] == 35
    mask = corrupt(gray, by_name["mask"])[0]
    assert mask[40, 24] > 110
    assert (mask[:18] == 100).all()
    lenses = corrupt(gray, by_name["sunglasses"])[0]
    assert lenses[18, 15] < 50
    assert lenses[18, 33] < 50
    assert lenses[40, 24] == 100
