"""The right answers: what each label view takes for true, and which faces count."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from edge.labels import FER2013_HEAD, FERPLUS_HEAD, VIEW_LABELS
from train.faces import NO_LABEL, Faces

EMOTIONS: Final = 8
"""The first eight columns of FER+ are emotions; `unknown` and `not_a_face` follow."""

Truth = npt.NDArray[np.int64]

TESTS: Final = ("ferplus", "ferplus_majority", "fer2013", "basic", "five", "happy")
"""What `evaluate` reports: each view on its own labels, and FER+ by both of its denominators."""

TEST_VIEW: Final = {test: test.removesuffix("_majority") for test in TESTS}
"""The label view each test asks for."""


def arg_max(votes: npt.NDArray[np.uint8]) -> Truth:
    """Return the top vote of each face; ties go to the first, no votes and no emotion give `NO_LABEL`.

    Parameters
    ----------
    votes: uint8 (N, 10).
    """
    top = votes.argmax(axis=1)
    return np.where((top < EMOTIONS) & (votes.sum(axis=1) > 0), top, NO_LABEL)


def majority(votes: npt.NDArray[np.uint8]) -> Truth:
    """Return the emotion with more than half of the votes once single votes are removed, else `NO_LABEL`.

    This is the evaluation of Barsoum et al. 2016 (arXiv 1608.01041); 3,153 of the PrivateTest faces count.
    """
    kept = np.where(votes > 1, votes, 0).astype(np.int64)
    top = kept.argmax(axis=1)
    wins = kept.max(axis=1) * 2 > kept.sum(axis=1)
    return np.where((top < EMOTIONS) & wins, top, NO_LABEL)


def truth(test: str, faces: Faces) -> Truth:
    """Return the index of the right label in the view of `test` for each face, `NO_LABEL` where it does not count.

    `basic` and `five` count the FER2013 rows whose label they have; `happy` is on FER+ arg-max.

    Raises
    ------
    KeyError
        `test` is not one of `TESTS`.
    """
    if test == "ferplus_majority":
        return majority(faces.votes)
    if test == "ferplus":
        return arg_max(faces.votes)
    if test == "happy":
        top = arg_max(faces.votes)
        answer = np.where(top == FERPLUS_HEAD.index("happy"), 0, 1)
        return np.where(top == NO_LABEL, NO_LABEL, answer)
    words = VIEW_LABELS[test]
    index = np.array([words.index(name) if name in words else NO_LABEL for name in FER2013_HEAD])
    known = faces.labels != NO_LABEL
    return np.where(known, index[faces.labels], NO_LABEL)
