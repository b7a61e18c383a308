"""The training run: epochs, selection on PublicTest, checkpoints, and a clean end whatever happens."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.errors import TrainingError
from edge.labels import HEADS, view_matrix
from train import checkpoint
from train.batches import Batches
from train.checkpoint import Progress
from train.ema import WeightAverage
from train.faces import NO_LABEL, Faces, prepare
from train.metrics import softmax
from train.recipe import Recipe
from train.truth import truth

TERMINAL_INTERVAL_S: Final = 0.5
LOG_INTERVAL_S: Final = 30.0
"""A progress line this often where stderr is a file: a log should not hold a line a step."""
EVALUATION_BATCH: Final = 256


@dataclass(frozen=True)
class Fitted:
    """What a run left behind."""

    progress: Progress
    model: Path
    finished: bool


def fit(
    recipe: Recipe,
    faces: Faces,
    out: Path,
    *,
    negatives: npt.NDArray[np.uint8] | None = None,
    resume: bool = False,
    limit: int | None = None,
) -> Fitted:
    """Train a network and keep the epoch that PublicTest likes best, by its averaged weights.

    Parameters
    ----------
    faces: all splits; the training split trains, PublicTest selects, PrivateTest is not looked at.
    out: folder for `model.keras`, the checkpoint and the TensorBoard logs.
    negatives: patches without a face, or None.
    resume: go on from the checkpoint in `out`, if there is one.
    limit: use only so many faces of each split, for a quick try.

    Raises
    ------
    TrainingError
        The loss is not a number, the recipe of a resumed run changed, or the disk is full.
    """
    run = _Run(recipe, faces, out, negatives, limit)
    if resume and (out / checkpoint.STATE_NAME).exists():
        run.restore()
    elif (out / checkpoint.STATE_NAME).exists():
        raise TrainingError(f"{out} holds a run already", fix="go on with --resume, or pass another --out")
    finished = run.train()
    return Fitted(run.progress, out / checkpoint.BEST_NAME, finished)


class _Run:
    """One training run in memory."""

    def __init__(
        self,
        recipe: Recipe,
        faces: Faces,
        out: Path,
        negatives: npt.NDArray[np.uint8] | None,
        limit: int | None,
    ) -> None:
        import keras

        from train.model import build
        from train.norm import FusedNorm
        from train.trainee import Trainee, compile_trainee

        keras.utils.set_random_seed(recipe.training.seed)
        train, public = (faces.take(faces.rows(split)[:limit]) for split in ("train", "public"))
        if not len(train) or not len(public):
            raise TrainingError(
                f"{faces.source}: {len(train)} training and {len(public)} PublicTest faces",
                expected="some of each",
            )
        self.out = out
        self.batches = Batches(train, negatives, recipe)
        self.public = public
        self.public_inputs = prepare(public.images, recipe.input)[..., None].astype(np.float32) / 255.0
        seed = recipe.training.seed
        # Saved and evaluated with plain layers in float32: the file opens anywhere and quantises from full precision.
        keras.mixed_precision.set_global_policy("float32")
        self.shadow = build(recipe.network, HEADS, seed=seed)
        keras.mixed_precision.set_global_policy(recipe.training.precision)
        try:
            self.trainee = Trainee(build(recipe.network, HEADS, seed=seed, norm=FusedNorm), recipe, seed=seed)
            compile_trainee(self.trainee, recipe, recipe.training.epochs * len(self.batches))
        finally:
            keras.mixed_precision.set_global_policy("float32")
        self.average = WeightAverage(recipe.training.ema)
        self.progress = Progress(recipe=recipe, data=faces.source, limit=limit)

    def variables(self) -> dict[str, list[Any]]:
        """Return all that changes while training, seeds of the augmentation and dropout among it."""
        network, augment = self.trainee.network, self.trainee.augment
        return {
            "net": [*network.variables, *augment.variables],
            "opt": list(self.trainee.optimizer.variables),
        }

    def restore(self) -> None:
        """Go back to the checkpoint."""
        progress, state = checkpoint.load(self.out)
        checkpoint.refuse_change(progress.recipe, self.progress.recipe)
        if progress.limit != self.progress.limit:
            raise TrainingError(
                f"this run was started with --limit {progress.limit}",
                expected=f"the same, not {self.progress.limit}",
            )
        for group, variables in self.variables().items():
            for variable, value in zip(variables, state[group], strict=True):
                variable.assign(value)
        self.average = WeightAverage(progress.recipe.training.ema, state["ema"], progress.ema_steps)
        self.progress = progress

    def train(self) -> bool:
        """Train the epochs that are left; False if Ctrl-C ended it."""
        from train.journal import Journal

        journal = Journal(self.out / "tensorboard")
        total = self.progress.recipe.training.epochs
        try:
            for epoch in range(self.progress.epochs_done + 1, total + 1):
                start = time.monotonic()
                values = self.train_epoch(epoch, total)
                values |= self.evaluate()
                self.progress.wall_s += time.monotonic() - start
                self.keep(epoch, values)
                journal.scalars(epoch, values)
                print(_line(epoch, total, values, self.progress.wall_s), flush=True)
        except KeyboardInterrupt:
            done = self.progress.epochs_done
            print(
                f"stopped: {done} whole epochs are kept in {self.out}; go on with --resume", file=sys.stderr
            )
            return False
        finally:
            journal.close()
        return True

    def train_epoch(self, epoch: int, total: int) -> dict[str, float]:
        """Train one epoch and return its means.

        Raises
        ------
        TrainingError
            The loss is not a number; the batch is named.
        """
        from tqdm import tqdm

        interval = TERMINAL_INTERVAL_S if sys.stderr.isatty() else LOG_INTERVAL_S
        sums: dict[str, float] = {}
        start = time.monotonic()
        with tqdm(
            total=len(self.batches), desc=f"epoch {epoch}/{total}", mininterval=interval, unit="batch"
        ) as bar:
            for index, (inputs, targets) in enumerate(self.batches.epoch(epoch), start=1):
                # Reset each time, for means of the batch alone: the batch that spoils the loss must be named.
                self.trainee.reset_metrics()
                found = self.trainee.train_on_batch(inputs, targets, return_dict=True)
                logs = {name: float(value) for name, value in found.items()}
                if not math.isfinite(logs["loss"]):
                    raise TrainingError(
                        f"the loss is {logs['loss']} in batch {index} of epoch {epoch}",
                        fix="lower training.learning_rate, or look at the data of this batch; "
                        "the checkpoint of the epoch before is kept",
                    )
                self.average.update(_numpy(self.trainee.network.weights))
                sums = {name: sums.get(name, 0.0) + value for name, value in logs.items()}
                rate = index * self.batches.size / (time.monotonic() - start)
                means = {name: value / index for name, value in sums.items()}
                bar.set_postfix_str(
                    f"loss {means['loss']:.3f} ferplus {means['ferplus_accuracy']:.3f} "
                    f"fer2013 {means['fer2013_accuracy']:.3f} {rate:.0f} images/s",
                    refresh=False,
                )
                bar.update()
        means = {name: value / len(self.batches) for name, value in sums.items()}
        means["images_per_s"] = len(self.batches) * self.batches.size / (time.monotonic() - start)
        return {f"train/{name}": value for name, value in means.items()}

    def evaluate(self) -> dict[str, float]:
        """Return PublicTest accuracies of the averaged weights."""
        self.shadow.set_weights(self.average.values)
        logits = self.shadow.predict(self.public_inputs, batch_size=EVALUATION_BATCH, verbose=0)
        values = {}
        for test, head in (("ferplus_majority", "ferplus"), ("fer2013", "fer2013")):
            answer = (softmax(logits[head]) @ view_matrix(head)).argmax(axis=1)
            right = truth(test, self.public)
            counts = right != NO_LABEL
            values[f"public/{test}"] = float((answer == right)[counts].mean()) if counts.any() else 0.0
        return values

    def keep(self, epoch: int, values: dict[str, float]) -> None:
        """Write the checkpoint, and the model if PublicTest has not seen a better one."""
        progress = self.progress
        progress.epochs_done, progress.ema_steps = epoch, self.average.steps
        progress.history.append({"epoch": float(epoch), **values})
        score = (values["public/ferplus_majority"] + values["public/fer2013"]) / 2
        if score > progress.best_score:
            progress.best_score, progress.best_epoch = score, epoch
            checkpoint.save_model(self.out / checkpoint.BEST_NAME, self.shadow)
        state = {group: _numpy(variables) for group, variables in self.variables().items()}
        checkpoint.save(self.out, progress, {**state, "ema": self.average.values or []})


def _numpy(variables: list[Any]) -> list[npt.NDArray[Any]]:
    from keras import ops

    return [ops.convert_to_numpy(variable) for variable in variables]


def _line(epoch: int, total: int, values: dict[str, float], wall_s: float) -> str:
    return (
        f"epoch {epoch}/{total}: loss {values['train/loss']:.4f}, "
        f"{values['train/images_per_s']:.0f} images/s; PublicTest FER2013 {values['public/fer2013']:.4f}, "
        f"FER+ majority {values['public/ferplus_majority']:.4f}; {wall_s / 60:.1f} min"
    )
