from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.preprocess import CropSpec, InputSpec, cut, quantise, to_input

SPEC = InputSpec()


def picture(rows=60, columns=80, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), np.uint8)


def test_a_box_inside_is_cut_as_it_is():
    gray = picture()
    np.testing.assert_array_equal(cut(gray, (10, 5, 20, 20), CropSpec()), gray[5:25, 10:30])


def test_the_cut_is_a_copy():
    gray = picture()
    cut(gray, (10, 5, 20, 20), CropSpec())[:] = 0
    np.testing.assert_array_equal(gray, picture())


def test_outside_the_picture_its_border_repeats():
    gray = picture()
    crop = cut(gray, (-5, -5, 10, 10), CropSpec())
    assert crop.shape == (10, 10)
    assert (crop[:5, :5] == gray[0, 0]).all()
    np.testing.assert_array_equal(crop[5:, 5:], gray[:5, :5])


@given(st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 200), st.integers(1, 200))
def test_any_box_gives_a_square(x, y, width, height):
    crop = cut(picture(), (x, y, width, height), CropSpec(box_scale=1.1, shift_y=0.05))
    assert crop.shape[0] == crop.shape[1] >= 1
    assert crop.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 1), (48, 48), (20, 300), (500, 400), (47, 49)])
def test_any_size_becomes_the_network_s(shape):
    found = to_input(picture(*shape), SPEC)
    assert (found.shape, found.dtype) == ((48, 48), np.uint8)


def test_contrast_is_standardised():
    face = picture(48, 48) // 4 + 30  # dim: levels 30 to 93
    found = to_input(face.astype(np.uint8), SPEC).astype(float)
    assert found.mean() == pytest.approx(128, abs=2)
    assert found.std() == pytest.approx(56, abs=3)


def test_a_darker_and_flatter_picture_of_the_same_face_is_nearly_the_same_input():
    face = np.clip(np.random.default_rng(1).normal(128, 40, (48, 48)), 0, 255)
    bright, dark = face.astype(np.uint8), (face * 0.4 + 10).astype(np.uint8)
    difference = to_input(bright, SPEC).astype(float) - to_input(dark, SPEC)
    assert abs(difference).mean() < 2


def test_noise_on_a_flat_crop_is_not_blown_up():
    flat = np.full((48, 48), 90, np.uint8)
    flat[::2] += 1
    assert to_input(flat, SPEC).astype(float).std() < 4


def test_quantise_rounds_and_clips():
    pixels = np.array([0, 1, 127, 128, 255], np.uint8)
    assert quantise(pixels, 1 / 255, -128).tolist() == [-128, -127, -1, 0, 127]
    assert quantise(pixels, 1 / 510, -128).tolist() == [-128, -126, 126, 127, 127]
