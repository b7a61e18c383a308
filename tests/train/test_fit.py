"""A run learns, survives, resumes to the same weights, and stops by name when the loss does."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from edge.errors import TrainingError
from train import checkpoint
from train.recipe import load_recipe

keras = pytest.importorskip("keras")

from train.fit import fit  # noqa: E402


@pytest.fixture
def recipe(tiny_recipe):
    return load_recipe(tiny_recipe)


def test_a_run_leaves_model_checkpoint_figures_and_logs(tmp_path, faces, recipe, capsys):
    fitted = fit(recipe, faces, tmp_path / "run", negatives=np.zeros((8, 64, 64), np.uint8))
    assert fitted.finished
    assert fitted.progress.epochs_done == 2
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"model.keras", "state.npz", "progress.json", "tensorboard"}
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    history = fitted.progress.history
    assert [row["epoch"] for row in history] == [1, 2]
    assert {"train/loss", "train/images_per_s", "public/fer2013", "public/ferplus_majority"} <= history[
        0
    ].keys()
    printed = capsys.readouterr()
    assert "epoch 2/2" in printed.out
    assert "images/s" in printed.err, "the progress bar"
    model = keras.models.load_model(fitted.model)
    assert {type(layer).__name__ for layer in model.layers} <= {
        "InputLayer", "Conv2D", "BatchNormalization", "ReLU", "Add", "GlobalAveragePooling2D", "Dropout", "Reshape",
    }  # fmt: skip


class KilledError(Exception):
    """What ends a run in the middle, as a kill would."""


def test_a_killed_run_resumed_ends_where_an_unbroken_one_does(tmp_path, faces, recipe, monkeypatch):
    whole = fit(recipe, faces, tmp_path / "whole")
    save = checkpoint.save

    def save_and_die(folder, progress, state):
        save(folder, progress, state)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_die)
        with pytest.raises(KilledError):
            fit(recipe, faces, tmp_path / "broken")
    resumed = fit(recipe, faces, tmp_path / "broken", resume=True)
    assert resumed.progress.epochs_done == 2
    losses = [[row["train/loss"] for row in run.progress.history] for run in (whole, resumed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    _, one = checkpoint.load(tmp_path / "whole")
    _, other = checkpoint.load(tmp_path / "broken")
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(one["ema"], other["ema"], strict=True))


def test_ctrl_c_ends_cleanly_with_whole_epochs_kept(tmp_path, faces, recipe, monkeypatch, capsys):
    from train.fit import _Run

    train_epoch = _Run.train_epoch

    def interrupt(self, epoch, total):
        if epoch == 2:
            raise KeyboardInterrupt
        return train_epoch(self, epoch, total)

    monkeypatch.setattr(_Run, "train_epoch", interrupt)
    fitted = fit(recipe, faces, tmp_path / "run")
    assert not fitted.finished
    assert "1 whole epochs are kept" in capsys.readouterr().err
    assert checkpoint.load(tmp_path / "run")[0].epochs_done == 1


def test_resume_refuses_a_changed_recipe_and_starts_where_there_is_none(tmp_path, faces, recipe):
    once = msgspec.structs.replace(recipe, training=msgspec.structs.replace(recipe.training, epochs=1))
    fit(once, faces, tmp_path, resume=True)
    with pytest.raises(TrainingError, match=r"training\.epochs: 1 -> 2"):
        fit(recipe, faces, tmp_path, resume=True)
    with pytest.raises(TrainingError, match="holds a run already"):
        fit(once, faces, tmp_path)
    with pytest.raises(TrainingError, match="started with --limit None"):
        fit(once, faces, tmp_path, resume=True, limit=14)


def test_a_loss_that_is_not_a_number_stops_with_the_batch_named(tmp_path, faces, recipe):
    training = msgspec.structs.replace(recipe.training, learning_rate=1e30, gradient_norm=1e30)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) in batch \d+ of epoch \d+") as caught:
        fit(msgspec.structs.replace(recipe, training=training), faces, tmp_path)
    assert caught.value.exit_code == 9


def test_data_without_a_selection_split_is_refused(tmp_path, faces, recipe):
    with pytest.raises(TrainingError, match="28 training and 0 PublicTest faces"):
        fit(recipe, faces.take(faces.rows("train")), tmp_path)
