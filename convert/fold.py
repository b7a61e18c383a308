"""Batch normalisation folded into the convolution before it, so that int8 kernels have nothing left to multiply."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.errors import BundleError

TOLERANCE: Final = 1e-3
"""Largest difference of a logit that float32 rounding explains after folding; logits span about ten."""


def fold(model: Any) -> Any:
    """Return a Keras model that computes the same without BatchNormalization and Dropout.

    w' = w gamma / sqrt(var + eps) and b' = beta + (b - mean) gamma / sqrt(var + eps)
    (Jacob et al. 2017, arXiv 1712.05877).

    Raises
    ------
    BundleError
        A normalisation does not follow a convolution, or the folded model answers differently.
    """
    import keras

    norms = _norm_after(model)

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in norms:
            config["use_bias"] = True
        return layer.__class__.from_config(config)

    def call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if _vanishes(layer):
            return arguments[0]
        return layer(*arguments, **keywords)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in folded.layers:
        if layer.name in norms:
            layer.set_weights(_folded_weights(model.get_layer(layer.name), norms[layer.name]))
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    _check_same(model, folded)
    return folded


def _vanishes(layer: Any) -> bool:
    return type(layer).__name__ in ("BatchNormalization", "Dropout")


def _norm_after(model: Any) -> dict[str, Any]:
    """Return the normalisation that takes each convolution's output, by the convolution's name."""
    norms: dict[str, Any] = {}
    for layer in model.layers:
        if type(layer).__name__ != "BatchNormalization":
            continue
        source = layer.input._keras_history.operation  # noqa: SLF001 - the graph has no public name for it
        if type(source).__name__ != "Conv2D" or getattr(source.activation, "__name__", "") != "linear":
            raise BundleError(
                f"layer {layer.name!r} normalises the output of {source.name!r}",
                expected="every BatchNormalization directly after a Conv2D without activation",
                fix="build the network as train/model.py does",
            )
        norms[source.name] = layer
    return norms


def _folded_weights(convolution: Any, norm: Any) -> list[npt.NDArray[np.float32]]:
    kernel = np.asarray(convolution.kernel, np.float64)
    bias = np.asarray(convolution.bias, np.float64) if convolution.use_bias else 0.0
    gain = np.asarray(norm.gamma, np.float64) / np.sqrt(
        np.asarray(norm.moving_variance, np.float64) + norm.epsilon
    )
    shift = np.asarray(norm.beta, np.float64) + (bias - np.asarray(norm.moving_mean, np.float64)) * gain
    return [(kernel * gain).astype(np.float32), shift.astype(np.float32)]


def _check_same(model: Any, folded: Any) -> None:
    left = [layer.name for layer in folded.layers if _vanishes(layer)]
    if left:
        raise BundleError(f"folding left {', '.join(left)}", expected="no normalisation in the graph")
    shape = (4, *model.input_shape[1:])
    probe = np.random.default_rng(0).random(shape, np.float32)
    before, after = model(probe, training=False), folded(probe, training=False)
    worst = max(float(np.abs(np.asarray(before[name]) - np.asarray(after[name])).max()) for name in before)
    if worst > TOLERANCE:
        raise BundleError(f"folding changed a logit by {worst:.4f}", expected=f"at most {TOLERANCE}")
