"""Near-duplicates across the splits: test faces that a network has seen in training, in all but name."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from train.faces import Faces

HASH_SIDE: Final = 9
"""Lowest frequencies a side of the cosine transform; without the mean's and the last ones 64 bits are left."""
HASH_BITS: Final = 64
MOST_BITS: Final = 10
"""Hashes further apart are not compared: on FER2013 this loses no pair that the correlation keeps."""
LEAST_CORRELATION: Final = 0.95
"""Of the standardised pixels: re-encoded, rescaled or slightly recropped copies, not two pictures of a person."""
CHUNK: Final = 512

Hashes = npt.NDArray[np.float32]


class Duplicates(msgspec.Struct, frozen=True):
    """How many faces of one split have a near-copy in another."""

    split: str
    within: str
    """The split that was searched."""
    faces: int
    pairs: int
    other_label: int
    """Faces whose nearest copy has another FER2013 label: the labels' own noise."""
    rows: list[int]
    """Rows of `split`, counted in the whole data set."""


def perceptual_hash(images: npt.NDArray[np.uint8]) -> Hashes:
    """Return 64 signs a picture: its lowest cosine-transform coefficients against their median.

    The method is Zauner's pHash (2010). Signs as -1 and 1 turn the Hamming distance into a matrix product.

    Parameters
    ----------
    images: uint8 (N, S, S).

    Returns
    -------
    float32 (N, 64) of -1 and 1.
    """
    side = images.shape[1]
    steps = (2 * np.arange(side) + 1) * np.pi / (2 * side)
    waves = np.cos(np.arange(HASH_SIDE)[:, None] * steps).astype(np.float32)
    found = np.matmul(np.matmul(waves, images.astype(np.float32)), waves.T)
    coefficients = found.reshape(len(images), -1)[:, 1 : HASH_BITS + 1]
    middle = np.median(coefficients, axis=1, keepdims=True)
    return np.where(coefficients > middle, 1, -1).astype(np.float32)


def find_pairs(
    images: npt.NDArray[np.uint8], left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return pairs of rows, int64 (P, 2) from `left` and `right`, and their correlations, float32 (P,)."""
    if not len(left) or not len(right):
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    first, second = perceptual_hash(images[left]), perceptual_hash(images[right])
    pairs, correlations = [], []
    for start in range(0, len(left), CHUNK):
        distances = (HASH_BITS - first[start : start + CHUNK] @ second.T) / 2
        i, j = np.nonzero(distances <= MOST_BITS)
        rows = np.stack([left[start + i], right[j]], axis=1)
        alike = (standardise(images[rows[:, 0]]) * standardise(images[rows[:, 1]])).sum(axis=1)
        kept = alike >= LEAST_CORRELATION
        pairs.append(rows[kept])
        correlations.append(alike[kept])
    return np.concatenate(pairs), np.concatenate(correlations)


def standardise(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return float32 (N, pixels) of mean 0 and length 1, so that a product is the correlation."""
    flat = images.reshape(len(images), images.shape[1] * images.shape[2]).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), np.float32(1e-6))
    return np.asarray(flat / lengths, np.float32)


def duplicates(
    images: npt.NDArray[np.uint8], faces: Faces, split: str, within: str, rows: npt.NDArray[np.int64]
) -> Duplicates:
    """Look for the near-copies that `rows` of `split` have in `within`."""
    pairs, alike = find_pairs(images, rows, faces.rows(within))
    nearest: dict[int, tuple[float, int]] = {}
    for (row, other), correlation in zip(pairs.tolist(), alike.tolist(), strict=True):
        nearest[row] = max(nearest.get(row, (0.0, other)), (correlation, other))
    differing = sum(faces.labels[row] != faces.labels[other] for row, (_, other) in nearest.items())
    return Duplicates(split, within, len(rows), len(pairs), int(differing), sorted(nearest))
