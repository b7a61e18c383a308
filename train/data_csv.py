"""Kaggle's fer2013.csv (emotion, pixels, Usage) with FER+'s fer2013new.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from train.faces import PRIVATE, PUBLIC, TRAIN, Faces

SIDE_PX: Final = 48
FERPLUS_NAME: Final = "fer2013new.csv"
FERPLUS_COLUMNS: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "nf",
)
"""FER+'s own column names, in the order of `FERPLUS_HEAD`."""
USAGES: Final = {"training": TRAIN, "publictest": PUBLIC, "privatetest": PRIVATE}
FIELD_LIMIT: Final = 1 << 20
"""Characters of one CSV field: 2,304 pixels of four characters fit a hundred times."""

Row = tuple[int, dict[str, str]]


def load_csv(path: Path, *, ferplus: Path | None = None) -> Faces:
    """Read the faces, and their votes from `ferplus` or from a `fer2013new.csv` in the same folder.

    Raises
    ------
    DataError
        A column is missing, a row is short, a pixel or label is out of range, or the two files do not fit
        together; file and line are named.
    """
    images, labels, split = [], [], []
    for line, row in _rows(path, ("emotion", "pixels", "usage")):
        images.append(_pixels(path, line, row["pixels"]))
        labels.append(_number(path, line, "emotion", row["emotion"], len(FER2013_HEAD) - 1))
        split.append(_usage(path, line, row["usage"]))
    if not images:
        raise DataError(f"{path} has no rows", expected="one face a row")
    votes_path = ferplus or path.with_name(FERPLUS_NAME)
    if ferplus is None and not votes_path.is_file():
        votes = np.zeros((len(images), len(FERPLUS_HEAD)), np.uint8)
        source = f"{path} (no FER+ votes)"
    else:
        votes = read_votes(votes_path, len(images))
        source = f"{path} with {votes_path.name}"
    return Faces(np.stack(images), np.array(labels, np.int8), votes, np.array(split, np.uint8), source)


def read_votes(path: Path, rows: int) -> npt.NDArray[np.uint8]:
    """Read FER+'s votes: its rows are in the order of fer2013.csv.

    Returns
    -------
    uint8 (rows, 10).

    Raises
    ------
    DataError
        See `load_csv`.
    """
    votes = [
        [_number(path, line, name, row[name], 255) for name in FERPLUS_COLUMNS]
        for line, row in _rows(path, FERPLUS_COLUMNS)
    ]
    if len(votes) != rows:
        raise DataError(
            f"{path} has {len(votes):,} rows",
            expected=f"{rows:,}, one for each row of the faces' file, in its order",
            fix="use the fer2013.csv and the fer2013new.csv as they were published",
        )
    return np.array(votes, np.uint8)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    csv.field_size_limit(FIELD_LIMIT)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip().lower() for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise DataError(
                    f"{path} has no column {missing[0]!r}",
                    expected=f"columns {', '.join(columns)}; found {', '.join(header) or 'none'}",
                )
            for values in reader:
                if not values:
                    continue
                if len(values) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: {len(values)} fields",
                        expected=f"{len(header)} fields",
                    )
                yield reader.line_num, dict(zip(header, values, strict=True))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", expected="a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} is no CSV file ({error})", expected="comma-separated text in UTF-8"
        ) from None


def _pixels(path: Path, line: int, text: str) -> npt.NDArray[np.uint8]:
    parts = text.split()
    if len(parts) != SIDE_PX * SIDE_PX:
        raise DataError(
            f"{path}, line {line}: {len(parts)} pixels",
            expected=f"{SIDE_PX * SIDE_PX} ({SIDE_PX}x{SIDE_PX})",
            fix="the row is cut short or damaged: download the file again",
        )
    try:
        return np.frombuffer(bytes(map(int, parts)), np.uint8).reshape(SIDE_PX, SIDE_PX)
    except ValueError:
        bad = next(part for part in parts if not part.isdigit() or int(part) > 255)
        raise DataError(
            f"{path}, line {line}: a pixel is {bad!r}", expected="numbers from 0 to 255"
        ) from None


def _number(path: Path, line: int, column: str, text: str, highest: int) -> int:
    if not text.strip().isdecimal() or int(text) > highest:
        raise DataError(
            f"{path}, line {line}: {column} is {text!r}", expected=f"a number from 0 to {highest}"
        )
    return int(text)


def _usage(path: Path, line: int, text: str) -> int:
    usage = USAGES.get(text.strip().lower())
    if usage is None:
        raise DataError(
            f"{path}, line {line}: Usage is {text!r}", expected="Training, PublicTest or PrivateTest"
        )
    return usage
