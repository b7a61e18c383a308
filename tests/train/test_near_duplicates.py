from __future__ import annotations

import cv2
import numpy as np
import pytest

from train.faces import Faces
from train.near_duplicates import duplicates, find_pairs, perceptual_hash


@pytest.fixture
def images():
    """Forty smooth pictures that have nothing in common."""
    noise = np.random.default_rng(0).normal(0, 1, (40, 48, 48)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(picture, (0, 0), 3) for picture in noise])
    return np.clip(128 + smooth * 350, 0, 255).astype(np.uint8)


def test_hashes_are_signs_and_do_not_see_brightness(images):
    hashes = perceptual_hash(images)
    assert hashes.shape == (40, 64)
    assert set(np.unique(hashes)) == {-1.0, 1.0}
    darker = (images * 0.6).astype(np.uint8)
    assert ((hashes != perceptual_hash(darker)).sum(axis=1) <= 4).all()


def test_made_pairs_are_found_and_strangers_are_not(images):
    _, encoded = cv2.imencode(".jpg", images[3], [cv2.IMWRITE_JPEG_QUALITY, 40])
    images[23] = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    images[27] = np.clip(images[7] * 0.7 + 20, 0, 255).astype(np.uint8)
    pairs, correlations = find_pairs(images, np.arange(20), np.arange(20, 40))
    assert pairs.tolist() == [[3, 23], [7, 27]]
    assert (correlations > 0.95).all()
    pairs, _ = find_pairs(images, np.array([0]), np.array([1]))
    assert pairs.shape == (0, 2)


def test_duplicates_name_rows_of_the_whole_set_and_differing_labels(images):
    images[30], images[31] = images[2], images[4]
    labels = np.zeros(40, np.int8)
    labels[31] = 3
    split = np.repeat([0, 2], [20, 20]).astype(np.uint8)
    faces = Faces(images, labels, np.zeros((40, 10), np.uint8), split, "made")
    found = duplicates(images, faces, "private", "train", faces.rows("private"))
    assert (found.rows, found.pairs, found.faces, found.other_label) == ([30, 31], 2, 20, 1)
    nothing = duplicates(images, faces, "private", "public", faces.rows("private"))
    assert (nothing.rows, nothing.pairs) == ([], 0)
