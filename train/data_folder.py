"""Pictures in a folder tree of train/<class>/ and test/<class>/."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from train.faces import PRIVATE, PUBLIC, TRAIN, Faces

SUFFIXES: Final = (".jpg", ".jpeg", ".png")
ALIASES: Final = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
"""Other common folder names for the seven classes."""
FOLDERS: Final = {"train": TRAIN, "validation": PUBLIC, "val": PUBLIC, "test": PRIVATE}
SELECTION_SHARE: Final = 10
"""Without a selection split, one training picture in so many (by the hash of its name) selects."""


def load_folder(path: Path) -> Faces:
    """Read all pictures as gray.

    `train` trains and `test` reports, except that pictures whose names start with `PublicTest` select, as
    in the tree that Kaggle offers; a folder `validation` or `val` selects too. Without either, one in ten
    training pictures does. There are no FER+ votes in a tree: they are all zero.

    Raises
    ------
    DataError
        There is no `train` folder, a class folder has an unknown name, or a picture cannot be read.
    """
    if not (path / "train").is_dir():
        raise DataError(
            f"{path} has no folder 'train'", expected="train/<class>/*.jpg and test/<class>/*.jpg"
        )
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    split: list[int] = []
    names: list[str] = []
    for folder, usage in FOLDERS.items():
        if not (path / folder).is_dir():
            continue
        for directory in sorted(p for p in (path / folder).iterdir() if p.is_dir()):
            label = _label(directory)
            for file in sorted(p for p in directory.iterdir() if p.suffix.lower() in SUFFIXES):
                images.append(_read(file))
                labels.append(label)
                split.append(PUBLIC if usage == PRIVATE and file.name.startswith("PublicTest") else usage)
                names.append(f"{directory.name}/{file.name}")
    if not images:
        raise DataError(f"{path} holds no pictures", expected=f"files ending in {', '.join(SUFFIXES)}")
    if PUBLIC not in split:
        split = [
            PUBLIC if usage == TRAIN and _selects(name) else usage
            for usage, name in zip(split, names, strict=True)
        ]
    votes = np.zeros((len(images), len(FERPLUS_HEAD)), np.uint8)
    return Faces(images, np.array(labels, np.int8), votes, np.array(split, np.uint8), str(path))


def _label(directory: Path) -> int:
    name = directory.name.strip().lower()
    name = ALIASES.get(name, name)
    if name in FER2013_HEAD:
        return FER2013_HEAD.index(name)
    near = difflib.get_close_matches(name, FER2013_HEAD, n=1)
    raise DataError(
        f"{directory} has the unknown label {directory.name!r}",
        expected=f"one of {', '.join(FER2013_HEAD)}",
        fix=f"did you mean {near[0]!r}?" if near else "rename or remove the folder",
    )


def _read(file: Path) -> npt.NDArray[np.uint8]:
    try:
        raw = np.fromfile(file, np.uint8)
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}", expected="a readable picture") from None
    try:
        image = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE) if raw.size else None
    except cv2.error:
        image = None
    if image is None:
        raise DataError(
            f"{file} ({raw.size:,} bytes) is no readable picture",
            expected="a JPEG or PNG",
            fix="remove or replace it",
        )
    return np.asarray(image, np.uint8)


def _selects(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % SELECTION_SHARE == 0
