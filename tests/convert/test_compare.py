from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.compare import as_text, compare, write_sheet
from edge.errors import DataError
from edge.labels import HEADS
from edge.preprocess import InputSpec
from train.answers import Answers


@pytest.fixture
def pair(faces):
    logits = {name: np.zeros((len(faces), len(labels)), np.float32) for name, labels in HEADS.items()}
    logits["fer2013"][np.arange(len(faces)), faces.labels] = 4.0
    logits["ferplus"][np.arange(len(faces)), faces.votes.argmax(axis=1)] = 4.0
    other = {name: values.copy() for name, values in logits.items()}
    other["fer2013"][5] = 0.0
    other["fer2013"][5, 6] = 7.0
    return Answers(logits), Answers(other)


def test_one_changed_face_is_found_and_named(pair, faces):
    result = compare(*pair, faces, worst=3)
    assert result.heads["ferplus"].agreement == 1.0
    assert result.heads["fer2013"].agreement == pytest.approx(55 / 56)
    assert result.heads["fer2013"].max_difference == 7.0
    assert result.tests["fer2013"].drop_points == pytest.approx(100 / 56)
    first = result.worst[0]
    assert (first.row, first.difference, first.float_label, first.int8_label, first.truth) == (
        5, 7.0, "surprise", "neutral", "surprise",
    )  # fmt: skip
    text = as_text("private", result)
    assert "surprise -> neutral" in text
    assert "98.21%" in text


def test_the_sheet_is_a_picture_with_the_worst_faces(tmp_path, pair, faces):
    path = tmp_path / "new" / "worst.png"
    write_sheet(path, compare(*pair, faces, worst=7), faces, InputSpec())
    assert cv2.imread(str(path)).shape == (2 * 154, 6 * 120, 3)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot write"):
        write_sheet(tmp_path / "file" / "w.png", compare(*pair, faces, worst=7), faces, InputSpec())
