"""The network while it learns: augmentation in front, the two-headed loss behind, any Keras backend below."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from train.augment import Augment
from train.losses import cross_entropy
from train.recipe import Recipe
from train.schedule import OneCycle


class Trainee(keras.Model):  # type: ignore[misc]
    """Takes uint8 (N, S, S, 1); targets are {head: (N, labels)} and {head + "_weight": (N,)}.

    Parameters
    ----------
    network: from `train.model.build`.
    recipe: for augmentation and the weight of each head.
    seed: of the augmentation.
    """

    def __init__(self, network: Any, recipe: Recipe, *, seed: int) -> None:
        super().__init__()
        self.network = network
        self.augment = Augment(recipe.augment, seed=seed)
        self.head_weights = recipe.training.head_weights
        self.means = {head: keras.metrics.Mean(name=f"{head}_accuracy") for head in self.head_weights}

    def call(self, faces: Any, training: bool | None = None) -> Any:  # noqa: FBT001 - as Keras has it
        """Return logits by head."""
        faces = ops.cast(faces, "float32") / 255.0
        if training:
            faces = self.augment(faces)
        return self.network(faces, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,  # noqa: FBT001, FBT002 - as Keras has it
    ) -> Any:
        """Return the weighted sum of the heads' cross-entropies; also notes each head's accuracy."""
        del x, sample_weight, training
        loss = 0.0
        for head, weight in self.head_weights.items():
            targets, counts, logits = y[head], y[f"{head}_weight"], y_pred[head]
            loss = loss + weight * cross_entropy(targets, logits, counts)
            right = ops.equal(ops.argmax(targets, axis=-1), ops.argmax(logits, axis=-1))
            self.means[head].update_state(ops.cast(right, "float32"), sample_weight=counts)
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the running means of the epoch."""
        del x, y, y_pred, sample_weight
        return {metric.name: metric.result() for metric in self.metrics}

    @property
    def metrics(self) -> list[Any]:
        """Return the metrics that start afresh each epoch."""
        return [self._loss_tracker, *self.means.values()]


def compile_trainee(trainee: Trainee, recipe: Recipe, steps: int) -> None:
    """Give the trainee its optimiser: SGD with Nesterov momentum on one cycle of `steps` steps."""
    training = recipe.training
    optimizer = keras.optimizers.SGD(
        OneCycle(training.learning_rate, steps, training.warmup_share),
        momentum=training.momentum,
        nesterov=True,
        global_clipnorm=training.gradient_norm,
        # Keras decays weights beside the gradient, not through the momentum, which would multiply it by 1 / (1 - m).
        weight_decay=training.weight_decay / (1.0 - training.momentum),
    )
    spared = [v for v in trainee.network.trainable_variables if v.path.rsplit("/", 1)[-1] != "kernel"]
    optimizer.exclude_from_weight_decay(var_list=spared)
    optimizer.build(trainee.network.trainable_variables)
    # XLA on a CPU compiles for minutes and then convolves slower than oneDNN.
    trainee.compile(optimizer=optimizer, jit_compile="auto" if keras.backend.backend() == "jax" else False)
