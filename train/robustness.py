"""The robustness table: accuracy on spoiled PrivateTest faces, of several networks side by side. It only reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from train.answers import Answers
from train.corrupt import CORRUPTIONS, corrupt
from train.faces import NO_LABEL, Faces
from train.metrics import accuracy
from train.truth import TEST_VIEW, truth

TESTS: Final = ("fer2013", "ferplus_majority")
CLEAN: Final = "as they are"


@dataclass(frozen=True)
class Subject:
    """A network to measure: its name in the tables, and how to ask it about uint8 (N, H, W) crops."""

    name: str
    ask: Callable[[npt.NDArray[np.uint8]], Answers]


class RobustnessRow(msgspec.Struct, frozen=True):
    """One way to spoil faces, and what it leaves."""

    corruption: str
    family: str
    parameters: str
    accuracy: dict[str, dict[str, float]]
    """Subject to test to accuracy."""
    drop_points: dict[str, dict[str, float]]
    """Points lost against the faces as they are."""


def robustness(
    subjects: list[Subject], crops: npt.NDArray[np.uint8], faces: Faces
) -> Iterator[RobustnessRow]:
    """Yield the row of the faces as they are, then one a corruption.

    Parameters
    ----------
    crops: uint8 (N, 48, 48), the pictures of `faces`.
    """
    rights = {test: truth(test, faces) for test in TESTS}
    rights = {test: right for test, right in rights.items() if (right != NO_LABEL).any()}

    def scores(images: npt.NDArray[np.uint8]) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for subject in subjects:
            answers = subject.ask(images)
            found[subject.name] = {
                test: accuracy(
                    answers.probabilities(TEST_VIEW[test])[right != NO_LABEL], right[right != NO_LABEL]
                )
                for test, right in rights.items()
            }
        return found

    clean = scores(crops)
    yield RobustnessRow(CLEAN, "none", "", clean, {name: dict.fromkeys(rights, 0.0) for name in clean})
    for corruption in CORRUPTIONS:
        found = scores(corrupt(crops, corruption))
        drops = {
            name: {test: (clean[name][test] - value) * 100 for test, value in tests.items()}
            for name, tests in found.items()
        }
        yield RobustnessRow(corruption.name, corruption.family, corruption.parameters, found, drops)
