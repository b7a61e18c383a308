"""Faces with their labels in memory: what every step of training, conversion and measuring works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from edge.preprocess import InputSpec, to_input

Gray = npt.NDArray[np.uint8]

TRAIN: Final = 0
PUBLIC: Final = 1
PRIVATE: Final = 2
SPLITS: Final = {"train": TRAIN, "public": PUBLIC, "private": PRIVATE}
SPLIT_TITLES: Final = {"train": "Training", "public": "PublicTest", "private": "PrivateTest"}
NO_LABEL: Final = -1

PUBLISHED_COUNTS: Final = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "public": (467, 56, 496, 895, 653, 415, 607),
    "private": (491, 55, 528, 879, 594, 416, 626),
}
"""FER2013's images a class and split, in the order of `FER2013_HEAD` (Goodfellow et al. 2013, arXiv 1307.0414)."""


@dataclass(frozen=True)
class Faces:
    """A data set in memory.

    Parameters
    ----------
    images: uint8 gray pictures, (N, H, W) or N pictures of any sizes.
    labels: int8 (N,), index in `FER2013_HEAD`, or `NO_LABEL`.
    votes: uint8 (N, 10), votes in the order of `FERPLUS_HEAD`; all zero where FER+ has none.
    split: uint8 (N,), one of `TRAIN`, `PUBLIC`, `PRIVATE`.
    source: the files, for messages.
    """

    images: Sequence[Gray] | Gray
    labels: npt.NDArray[np.int8]
    votes: Gray
    split: Gray
    source: str

    def __post_init__(self) -> None:
        count = len(self.images)
        shapes = (self.labels.shape, self.votes.shape, self.split.shape)
        if shapes != ((count,), (count, len(FERPLUS_HEAD)), (count,)):
            raise DataError(f"{self.source}: {count} images with labels, votes and splits of shapes {shapes}")

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the indices of a split's faces, in file order."""
        return np.flatnonzero(self.split == SPLITS[split])

    def take(self, rows: npt.NDArray[np.int64]) -> Faces:
        """Return these faces alone, in this order."""
        images = (
            self.images[rows] if isinstance(self.images, np.ndarray) else [self.images[row] for row in rows]
        )
        return Faces(images, self.labels[rows], self.votes[rows], self.split[rows], self.source)

    def counts(self, split: str) -> tuple[int, ...]:
        """Return the number of faces a FER2013 class in a split."""
        labels = self.labels[self.rows(split)]
        return tuple(int(n) for n in np.bincount(labels[labels != NO_LABEL], minlength=len(FER2013_HEAD)))


def prepare(images: Sequence[Gray] | Gray, spec: InputSpec) -> Gray:
    """Return network inputs, uint8 (N, size_px, size_px), by the device's own preprocessing."""
    inputs = np.empty((len(images), spec.size_px, spec.size_px), np.uint8)
    for index, image in enumerate(images):
        inputs[index] = to_input(image, spec)
    return inputs


def describe(faces: Faces) -> list[str]:
    """Return what to tell the user before training: counts, and where they differ from the published ones."""
    with_votes = int((faces.votes.sum(axis=1) > 0).sum())
    lines = [f"{faces.source}: {len(faces):,} faces, {with_votes:,} with FER+ votes"]
    for split, published in PUBLISHED_COUNTS.items():
        found = faces.counts(split)
        line = f"  {SPLIT_TITLES[split]}: {len(faces.rows(split)):,}"
        differing = [
            f"{name} {have} (published {want})"
            for name, have, want in zip(FER2013_HEAD, found, published, strict=True)
            if have != want
        ]
        lines.append(line + ("; differs: " + ", ".join(differing) if differing else ", as published"))
    return lines
