"""Shuffled batches of an epoch: faces of the training split with a few patches that hold no face."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from edge.preprocess import InputSpec
from train.faces import NO_LABEL, Faces, prepare
from train.losses import label_targets, vote_targets
from train.recipe import Recipe

Batch = tuple[npt.NDArray[np.uint8], dict[str, npt.NDArray[np.float32]]]
VOTERS = 10


class Batches:
    """All of the training split, prepared once and kept in memory (66 MB for FER2013).

    Parameters
    ----------
    faces: the training faces alone.
    negatives: uint8 (M, H, W) patches without a face, or None.
    """

    def __init__(self, faces: Faces, negatives: npt.NDArray[np.uint8] | None, recipe: Recipe) -> None:
        self.recipe = recipe
        spec: InputSpec = recipe.input
        self._faces = prepare(faces.images, spec)
        self._labels, self._votes = faces.labels, faces.votes
        self._extra = 0
        if negatives is not None and recipe.training.negatives_share > 0:
            self._extra = min(round(recipe.training.negatives_share * len(faces)), len(negatives))
            self._faces = np.concatenate([self._faces, prepare(negatives, spec)])
            votes = np.zeros((len(negatives), len(FERPLUS_HEAD)), np.uint8)
            votes[:, FERPLUS_HEAD.index("not_a_face")] = VOTERS
            self._votes = np.concatenate([self._votes, votes])
            self._labels = np.concatenate([self._labels, np.full(len(negatives), NO_LABEL, np.int8)])
        self._count = len(faces)
        self.size = min(recipe.training.batch, self._count + self._extra)

    def __len__(self) -> int:
        """Return the batches an epoch; the rest that fills no batch waits for another shuffle."""
        return (self._count + self._extra) // self.size

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, the same ones whenever it is asked for again."""
        random = np.random.default_rng((self.recipe.training.seed, number))
        negatives = self._count + random.permutation(len(self._faces) - self._count)[: self._extra]
        order = random.permutation(np.concatenate([np.arange(self._count), negatives]))
        for start in range(0, len(self) * self.size, self.size):
            rows = order[start : start + self.size]
            votes, vote_weight = vote_targets(self._votes[rows])
            smoothing = self.recipe.training.label_smoothing
            labels, label_weight = label_targets(self._labels[rows], len(FER2013_HEAD), smoothing)
            targets = {
                "ferplus": votes,
                "ferplus_weight": vote_weight,
                "fer2013": labels,
                "fer2013_weight": label_weight,
            }
            yield self._faces[rows][..., None], targets
