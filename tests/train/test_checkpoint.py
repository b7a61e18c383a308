from __future__ import annotations

import errno

import msgspec
import numpy as np
import pytest

from edge.errors import TrainingError
from train import checkpoint
from train.checkpoint import Progress
from train.recipe import load_recipe


@pytest.fixture
def progress(tiny_recipe):
    return Progress(recipe=load_recipe(tiny_recipe), epochs_done=3)


def test_comes_back_as_it_was(tmp_path, progress):
    state = {"net": [np.arange(3.0), np.ones((2, 2))], "ema": [np.zeros(1, np.float32)]}
    checkpoint.save(tmp_path, progress, state)
    found, arrays = checkpoint.load(tmp_path)
    assert found == progress
    assert {group: [a.tolist() for a in values] for group, values in arrays.items()} == {
        group: [a.tolist() for a in values] for group, values in state.items()
    }


def test_a_full_disk_keeps_the_last_good_one(tmp_path, progress, monkeypatch):
    checkpoint.save(tmp_path, progress, {"net": [np.ones(4)]})

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    later = msgspec.structs.replace(progress, epochs_done=4)
    with pytest.raises(
        TrainingError, match="No space left on device; the last good checkpoint is kept"
    ) as caught:
        checkpoint.save(tmp_path, later, {"net": [np.zeros(4)]})
    assert caught.value.exit_code == 9
    found, arrays = checkpoint.load(tmp_path)
    assert found.epochs_done == 3
    assert arrays["net"][0].tolist() == [1, 1, 1, 1]
    assert [p.name for p in tmp_path.glob("*.partial*")] == []


def test_none_and_a_broken_one_are_told_apart(tmp_path):
    with pytest.raises(TrainingError, match="no checkpoint at"):
        checkpoint.load(tmp_path)
    (tmp_path / checkpoint.STATE_NAME).write_bytes(b"PK\x03\x04")
    with pytest.raises(TrainingError, match="is no checkpoint of this version"):
        checkpoint.load(tmp_path)


def test_a_changed_recipe_is_refused_with_the_difference(progress):
    recipe = progress.recipe
    other = msgspec.structs.replace(recipe, training=msgspec.structs.replace(recipe.training, batch=7))
    with pytest.raises(TrainingError, match=r"training\.batch: 14 -> 7"):
        checkpoint.refuse_change(recipe, other)
    later = msgspec.structs.replace(recipe.conversion, calibration_faces=10)
    checkpoint.refuse_change(recipe, msgspec.structs.replace(recipe, conversion=later))
