from __future__ import annotations

import numpy as np
import pytest

from edge.labels import HEADS, VIEW_HEAD, VIEW_LABELS, view_matrix


def test_the_orders_other_people_rely_on():
    assert VIEW_LABELS == {
        "ferplus": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
        "fer2013": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
        "basic": ("angry", "happy", "sad", "neutral"),
        "five": ("angry", "disgust", "sad", "happy", "surprise"),
        "happy": ("happy", "not_happy"),
    }


@pytest.mark.parametrize("view", VIEW_LABELS)
def test_every_row_of_a_view_sums_to_one(view):
    matrix = view_matrix(view)
    assert matrix.shape == (len(HEADS[VIEW_HEAD[view]]), len(VIEW_LABELS[view]))
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("view", ["ferplus", "fer2013", "basic", "five"])
def test_a_label_that_head_and_view_share_maps_to_itself(view):
    matrix, head = view_matrix(view), HEADS[VIEW_HEAD[view]]
    for column, name in enumerate(VIEW_LABELS[view]):
        assert matrix[head.index(name)].argmax() == column
        assert matrix[head.index(name), column] == 1


def test_what_the_view_has_no_word_for_changes_no_arg_max_and_lowers_confidence():
    matrix = view_matrix("basic")
    head = np.array([0.4, 0, 0.5, 0.1, 0, 0, 0], np.float32)  # angry .4, fear .5, happy .1
    view = head @ matrix
    assert VIEW_LABELS["basic"][int(view.argmax())] == "angry"
    assert view.max() == pytest.approx(0.4 + 0.5 / 4)


def test_happy_or_not_splits_only_the_unclear():
    matrix = view_matrix("happy")
    assert matrix[HEADS["ferplus"].index("sad")].tolist() == [0, 1]
    assert matrix[HEADS["ferplus"].index("not_a_face")].tolist() == [0.5, 0.5]
