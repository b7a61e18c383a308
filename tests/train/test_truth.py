from __future__ import annotations

import numpy as np
import pytest

from train.data import load
from train.faces import NO_LABEL
from train.truth import TESTS, arg_max, majority, truth


def votes(*rows):
    return np.array([row + [0] * (10 - len(row)) for row in rows], np.uint8)


def test_arg_max_drops_unknown_no_face_and_no_votes_and_ties_go_to_the_first():
    table = votes([0, 5, 5], [0] * 8 + [6, 4], [0] * 9 + [10], [], [1, 0, 0, 2])
    assert arg_max(table).tolist() == [1, NO_LABEL, NO_LABEL, NO_LABEL, 3]


def test_majority_needs_more_than_half_once_single_votes_are_gone():
    table = votes([5, 5], [6, 4], [5, 1, 1, 1, 1, 1], [4, 3, 3], [1] * 10, [3] + [0] * 7 + [7])
    assert majority(table).tolist() == [NO_LABEL, 0, 0, NO_LABEL, NO_LABEL, NO_LABEL]


@pytest.mark.parametrize(
    ("test", "count"),
    [("ferplus", 3546), ("ferplus_majority", 3153), ("fer2013", 3589), ("basic", 2590), ("happy", 3546)],
)
def test_private_denominators_are_the_published_ones(data_dir, test, count):
    faces = load(data_dir / "fer2013.npz")
    private = faces.take(faces.rows("private"))
    assert int((truth(test, private) != NO_LABEL).sum()) == count


def test_every_test_uses_its_views_label_order(faces):
    # FER2013 class 3 is happy: 3 in fer2013, 1 in basic, 3 in five, 1 in FER+, 0 in happy.
    row = np.flatnonzero(faces.labels == 3)[:1]
    found = {test: int(truth(test, faces.take(row))[0]) for test in TESTS}
    assert found == {"ferplus": 1, "ferplus_majority": 1, "fer2013": 3, "basic": 1, "five": 3, "happy": 0}
    fear = np.flatnonzero(faces.labels == 2)[:1]
    assert truth("basic", faces.take(fear)).tolist() == [NO_LABEL]
    assert truth("happy", faces.take(fear)).tolist() == [1]
