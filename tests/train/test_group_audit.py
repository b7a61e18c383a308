from __future__ import annotations

import numpy as np
import pytest

from edge.errors import DataError
from train.answers import Answers
from train.group_audit import People, audit, load_people


def test_rates_of_each_group_by_hand():
    people = People(
        np.zeros((4, 8, 8), np.uint8), {"gender": np.array([0, 0, 0, 1])}, {"gender": ("a", "b", "none")}
    )
    answers = Answers({"ferplus": np.eye(10, dtype=np.float32)[[0, 0, 1, 1]] * 20})
    everyone, a, b = audit(answers, people, "ferplus")
    assert (everyone.faces, a.faces, b.faces) == (4, 3, 1)
    assert a.rates["neutral"].value == pytest.approx(2 / 3)
    assert b.rates["happy"].value == 1.0
    assert sum(rate.value for rate in a.rates.values()) == pytest.approx(1)
    assert a.rates["uncertain"].value == 0
    assert a.rates["neutral"].interval.low < 2 / 3 < a.rates["neutral"].interval.high


def test_missing_or_misfit_groups_are_refused(tmp_path):
    path = tmp_path / "people.npz"
    images = np.zeros((2, 8, 8), np.uint8)
    np.savez(path, image=images)
    with pytest.raises(DataError, match="no arrays race"):
        load_people(path)
    np.savez(path, image=images, race=np.array([0, 5]), race_names=np.array(["x"]))
    with pytest.raises(DataError, match="race does not fit 2 images and 1 names"):
        load_people(path)


def test_ages_stand_in_their_order():
    names = ("0-2", "10-19", "3-9", "more than 70")
    people = People(np.zeros((4, 8, 8), np.uint8), {"age": np.arange(4)}, {"age": names})
    found = audit(Answers({"ferplus": np.zeros((4, 10), np.float32)}), people, "ferplus")
    assert [group.name for group in found[1:]] == ["0-2", "3-9", "10-19", "more than 70"]
