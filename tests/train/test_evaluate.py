from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest

from edge.errors import DataError
from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from train.answers import Answers

pytest.importorskip("sklearn")

from train.evaluate import Report, as_text, evaluate, write_plots


@pytest.fixture
def private(faces):
    return faces.take(faces.rows("private"))


@pytest.fixture
def perfect(private):
    """Logits that answer every face rightly."""
    fer2013 = np.eye(len(FER2013_HEAD), dtype=np.float32)[private.labels] * 9
    ferplus = np.eye(len(FERPLUS_HEAD), dtype=np.float32)[private.votes.argmax(axis=1)] * 9
    return Answers({"ferplus": ferplus, "fer2013": fer2013})


def test_right_answers_score_one_in_every_test(private, perfect):
    results = evaluate(perfect, private)
    assert {test: scores.accuracy for test, scores in results.items()} == dict.fromkeys(results, 1.0)
    assert {test: scores.faces for test, scores in results.items()} == {
        "ferplus": 14, "ferplus_majority": 14, "fer2013": 14, "basic": 8, "five": 10, "happy": 14,
    }  # fmt: skip


def test_tests_without_a_label_are_left_out(private, perfect):
    private.votes[:] = 0
    assert set(evaluate(perfect, private)) == {"fer2013", "basic", "five"}
    with pytest.raises(DataError, match="no faces"):
        evaluate(perfect, private.take(np.array([], np.int64)))


def test_report_is_json_and_text_with_every_figure(private, perfect):
    report = Report("m", "d", {"private": evaluate(perfect, private)})
    decoded = msgspec.json.decode(msgspec.json.encode(report))
    assert decoded["splits"]["private"]["fer2013"]["per_class"]["fear"]["recall"] == 1.0
    text = as_text(report)
    for word in ("PrivateTest", "FER+ (majority)", "100.00%", "contempt", "macro-F1"):
        assert word in text


def test_plots_are_pictures(tmp_path, private, perfect):
    pytest.importorskip("matplotlib")
    files = write_plots(tmp_path, "private", perfect, private, evaluate(perfect, private))
    assert len(files) == 12
    for file in files:
        assert min(cv2.imread(str(file)).shape[:2]) > 200
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot write plots"):
        write_plots(tmp_path / "file", "private", perfect, private, evaluate(perfect, private))
