"""FER2013 with FER+ votes as one NumPy archive."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from train.faces import PRIVATE, Faces


def load_npz(path: Path) -> Faces:
    """Read the arrays `image`, `emotion`, `ferplus_votes` and `usage`.

    Raises
    ------
    DataError
        Not an archive, an array is missing or has another shape, or a label is out of range.
    """
    with _open(path) as archive:
        images = _gray(path, archive)
        count = len(images)
        labels = _array(path, archive, "emotion", (count,))
        votes = _array(path, archive, "ferplus_votes", (count, len(FERPLUS_HEAD)))
        split = _array(path, archive, "usage", (count,))
    _in_range(path, "emotion", labels, len(FER2013_HEAD) - 1)
    _in_range(path, "usage", split, PRIVATE)
    _in_range(path, "ferplus_votes", votes, np.iinfo(np.uint8).max)
    return Faces(images, labels.astype(np.int8), votes.astype(np.uint8), split.astype(np.uint8), str(path))


def read_images(path: Path) -> npt.NDArray[np.uint8]:
    """Read the array `image`, uint8 (N, H, W), of any archive.

    Raises
    ------
    DataError
        The file or the array is missing, or the array is not of gray pictures.
    """
    with _open(path) as archive:
        return _gray(path, archive)


def _open(path: Path) -> Any:
    try:
        return np.load(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", expected="a NumPy .npz archive") from None
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise DataError(f"{path} is no .npz archive ({error})", fix="download it again") from None


def _array(path: Path, archive: Any, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if name not in archive.files:
        raise DataError(f"{path} has no array {name!r}", expected=f"one besides {', '.join(archive.files)}")
    array = _read(path, archive, name)
    if array.shape != shape:
        raise DataError(f"{path}: {name} has shape {array.shape}", expected=f"shape {shape}")
    return array


def _read(path: Path, archive: Any, name: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(archive[name])
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"{path}: array {name!r} cannot be read ({error})", fix="download it again") from None


def _gray(path: Path, archive: Any) -> npt.NDArray[np.uint8]:
    if "image" not in archive.files:
        raise DataError(f"{path} has no array 'image'", expected=f"one besides {', '.join(archive.files)}")
    images = _read(path, archive, "image")
    if images.ndim != 3 or images.dtype != np.uint8 or images.size == 0:
        raise DataError(
            f"{path}: image is {images.dtype} {images.shape}", expected="uint8 (N, H, W), not empty"
        )
    return images


def _in_range(path: Path, name: str, values: npt.NDArray[Any], highest: int) -> None:
    bad = np.flatnonzero((values < 0) | (values > highest)) if values.ndim == 1 else np.empty(0, np.int64)
    if bad.size:
        raise DataError(f"{path}: {name}[{bad[0]}] is {values[bad[0]]}", expected=f"0 to {highest}")
