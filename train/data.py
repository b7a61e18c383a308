"""Reads faces with their labels, whatever the files they come in."""

from __future__ import annotations

from pathlib import Path

from edge.errors import DataError
from train.faces import Faces, Gray


def load(path: str | Path, *, ferplus: str | Path | None = None) -> Faces:
    """Read faces from FER2013 as an .npz, from Kaggle's fer2013.csv, or from a folder tree of pictures.

    Parameters
    ----------
    path: `fer2013.npz`; `fer2013.csv` (columns emotion, pixels, Usage); or a folder with
        `train/<class>/*.jpg|png` and `test/<class>/…`.
    ferplus: FER+'s `fer2013new.csv` for a .csv; taken from the same folder if not given. Without it the
        votes are all zero.

    Raises
    ------
    DataError
        What was found in which file and line, and what was expected there.
    """
    path = Path(path)
    if path.is_dir():
        from train.data_folder import load_folder

        return load_folder(path)
    if not path.exists():
        raise DataError(
            f"no data at {path}",
            expected="fer2013.npz, fer2013.csv, or a folder with train/<class>/ and test/<class>/",
            fix="pass its path with --data",
        )
    if path.suffix == ".npz":
        from train.data_npz import load_npz

        return load_npz(path)
    if path.suffix == ".csv":
        from train.data_csv import load_csv

        return load_csv(path, ferplus=Path(ferplus) if ferplus else None)
    raise DataError(f"{path} is a {path.suffix or 'nameless'} file", expected="a .npz, a .csv or a folder")


def load_negatives(data: str | Path, negatives: str | Path | None = None) -> Gray | None:
    """Read patches without a face: `negatives`, or `negatives.npz` beside the data, or None where there is none.

    Returns
    -------
    uint8 (N, H, W) or None.

    Raises
    ------
    DataError
        The file has no array `image` of gray patches.
    """
    path = Path(negatives) if negatives else Path(data).parent / "negatives.npz"
    if negatives is None and not path.is_file():
        return None
    from train.data_npz import read_images

    return read_images(path)
