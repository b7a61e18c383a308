"""The training faces whose activations set the int8 ranges: stratified, clean, and the same ones every time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import FER2013_HEAD
from edge.preprocess import InputSpec, to_input
from train.faces import NO_LABEL, Faces
from train.truth import EMOTIONS

COMMITTED: Final = Path(__file__).with_name("calibration_indices.json")
SEED: Final = 2013


class Indices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Positions within the training split, and what that split must be for them to mean the same faces."""

    seed: int
    counts: tuple[int, ...]
    """Training faces of each FER2013 class."""
    rows: tuple[int, ...]


def choose(faces: Faces, count: int, *, seed: int = SEED) -> Indices:
    """Choose faces evenly over the seven classes, leaving out what FER+ calls unknown or no face.

    Raises
    ------
    DataError
        The training split is empty.
    """
    train = faces.take(faces.rows("train"))
    random = np.random.default_rng(seed)
    clean = (train.votes.sum(axis=1) == 0) | (train.votes.argmax(axis=1) < EMOTIONS)
    pools = [
        random.permutation(np.flatnonzero((train.labels == i) & clean)) for i in range(len(FER2013_HEAD))
    ]
    if not sum(len(pool) for pool in pools):
        raise DataError(f"{faces.source} has no training faces", expected="some to calibrate on")
    # Round robin over the classes: even shares, and a class that runs out leaves its share to the others.
    deepest = max(len(pool) for pool in pools)
    order = [int(pool[depth]) for depth in range(deepest) for pool in pools if depth < len(pool)]
    return Indices(seed, faces.counts("train"), tuple(sorted(order[:count])))


def committed_or_chosen(faces: Faces, count: int) -> tuple[Indices, bool]:
    """Return the committed indices if they fit this data and count, else freshly chosen ones; and which."""
    try:
        indices = msgspec.json.decode(COMMITTED.read_bytes(), type=Indices)
    except (OSError, msgspec.MsgspecError):
        indices = None
    if indices is not None and indices.counts == faces.counts("train") and len(indices.rows) == count:
        return indices, True
    return choose(faces, count), False


def inputs(faces: Faces, indices: Indices, spec: InputSpec) -> npt.NDArray[np.uint8]:
    """Return the device's preprocessing of the chosen faces, uint8 (N, size, size).

    One black and one white pixel are set in the first face: the input range is then 0 to 1 whatever the faces,
    the scale is 1/255 and the zero point -128, and a pixel's int8 value is the pixel minus 128.
    """
    train = faces.take(faces.rows("train"))
    chosen = train.take(np.array(indices.rows))
    if (chosen.labels == NO_LABEL).any():
        raise DataError(
            f"{faces.source}: calibration rows without a label", expected="labelled training faces"
        )
    pixels = np.stack([to_input(image, spec) for image in chosen.images])
    pixels[0, 0, 0], pixels[0, 0, 1] = 0, 255
    return pixels
