"""The audit of the output by race, gender and age group: differences in behaviour, which are not accuracies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import UNCERTAIN
from train.answers import Answers
from train.data_npz import read_images
from train.intervals import Interval, of_mean, wilson

GROUPINGS: Final = ("race", "gender", "age")


@dataclass(frozen=True)
class People:
    """Faces without expression labels, and the group each is in.

    Parameters
    ----------
    images: uint8 (N, H, W).
    groups: grouping to int64 (N,), indices of its names.
    names: grouping to the names of its groups.
    """

    images: npt.NDArray[np.uint8]
    groups: dict[str, npt.NDArray[np.int64]]
    names: dict[str, tuple[str, ...]]

    def take(self, rows: npt.NDArray[np.int64]) -> People:
        """Return these people alone."""
        return People(self.images[rows], {key: all_[rows] for key, all_ in self.groups.items()}, self.names)


class Rate(msgspec.Struct, frozen=True):
    """A share or mean with its 95 % interval."""

    value: float
    interval: Interval


class Group(msgspec.Struct, frozen=True):
    """What people of one group are shown."""

    grouping: str
    name: str
    faces: int
    rates: dict[str, Rate]
    """Share of each label shown, and of `uncertain`; they sum to 1."""
    confidence: Rate
    """Mean confidence, before anything reads `uncertain`."""


def load_people(path: Path) -> People:
    """Read `fairface_val.npz`: image, race, gender, age and their names (Kärkkäinen & Joo 2021, CC BY 4.0).

    Raises
    ------
    DataError
        An array is missing or does not fit the others.
    """
    images = read_images(path)
    groups: dict[str, npt.NDArray[np.int64]] = {}
    names: dict[str, tuple[str, ...]] = {}
    with np.load(path) as archive:
        for key in GROUPINGS:
            if key not in archive.files or f"{key}_names" not in archive.files:
                raise DataError(f"{path} has no arrays {key} and {key}_names", expected="FairFace's groups")
            values: npt.NDArray[Any] = archive[key]
            names[key] = tuple(str(name) for name in archive[f"{key}_names"])
            if values.shape != (len(images),) or int(values.max()) >= len(names[key]):
                raise DataError(
                    f"{path}: {key} does not fit {len(images)} images and {len(names[key])} names"
                )
            groups[key] = values.astype(np.int64)
    return People(images, groups, names)


def audit(answers: Answers, people: People, view: str) -> list[Group]:
    """Return the rates of each group, after those of everyone."""
    probabilities = answers.probabilities(view)
    confidence = probabilities.max(axis=1)
    labels = (*answers.labels(view), UNCERTAIN)
    shown = probabilities.argmax(axis=1)
    limit = answers.threshold(view)
    if limit is not None:
        shown[confidence < limit] = len(labels) - 1
    chosen = [("everyone", "everyone", np.ones(len(shown), np.bool_))]
    chosen += [
        (key, name, people.groups[key] == index)
        for key in people.groups
        for index, name in sorted(enumerate(people.names[key]), key=lambda pair: _age(pair[1]))
    ]
    found = []
    for key, name, members in chosen:
        count = int(members.sum())
        if count:
            counts = np.bincount(shown[members], minlength=len(labels))
            rates = {
                label: Rate(n / count, wilson(n, count))
                for label, n in zip(labels, counts.tolist(), strict=True)
            }
            sure = confidence[members]
            found.append(Group(key, name, count, rates, Rate(float(sure.mean()), of_mean(sure))))
    return found


def _age(name: str) -> int:
    """Return the first number in a name, so that ages stand in their order and other groups stay in theirs."""
    digits = re.search(r"\d+", name)
    return int(digits.group()) if digits else 0
