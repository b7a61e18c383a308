"""Command-line flags that training and conversion share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_data_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--data` and `--ferplus`, which `train.data.load` takes."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="fer2013.npz, fer2013.csv, or a folder train/<class>/, test/<class>/",
    )
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv, if it is not beside fer2013.csv")


def positive(text: str) -> int:
    """Read a whole number of at least 1; for `type=` of a flag."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
