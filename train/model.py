"""The network: a small residual trunk with one head a label set, built only of what int8 runtimes do fast."""

from __future__ import annotations

from typing import Any

from train.recipe import NetworkRecipe


def build(
    recipe: NetworkRecipe, heads: dict[str, tuple[str, ...]], *, seed: int = 0, norm: Any = None
) -> Any:
    """Return a Keras functional model from standardised pixels / 255 to one vector of logits a head.

    Convolution, batch normalisation (folded on conversion), ReLU, add and mean are the only operations:
    XNNPACK's int8 list has no hard-swish, and squeeze-excite costs four small ones a block. The mean is
    4-D over axes 1 and 2 and the heads are 1x1 convolutions, because AVERAGE_POOL_2D is not on that list.

    Parameters
    ----------
    recipe: widths, depths and input size.
    heads: label sets by name; each becomes an output of that name, in this order.
    seed: of the first weights.
    norm: batch-normalisation class; `keras.layers.BatchNormalization` unless training passes its fused one.

    Returns
    -------
    keras.Model: float (N, size_px, size_px, 1) in 0..1 to {head: float32 (N, labels)}.
    """
    import keras

    layers = keras.layers
    norm = norm or layers.BatchNormalization
    seeds = iter(range(seed * 1000, (seed + 1) * 1000))

    def convolve(x: Any, filters: int, size: int, stride: int, name: str) -> Any:
        start = keras.initializers.HeNormal(seed=next(seeds))
        x = layers.Conv2D(
            filters,
            size,
            stride,
            padding="same",
            use_bias=False,
            kernel_initializer=start,
            name=f"{name}_conv",
        )(x)
        return norm(momentum=recipe.norm_momentum, name=f"{name}_norm")(x)

    def block(x: Any, filters: int, stride: int, name: str) -> Any:
        """Append a basic residual block (He et al. 2015, arXiv 1512.03385)."""
        shortcut = x
        if stride != 1 or x.shape[-1] != filters:
            shortcut = convolve(x, filters, 1, stride, f"{name}_project")
        y = layers.ReLU(name=f"{name}_a_relu")(convolve(x, filters, 3, stride, f"{name}_a"))
        y = convolve(y, filters, 3, 1, f"{name}_b")
        return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, shortcut]))

    image = keras.Input((recipe.size_px, recipe.size_px, 1), name="face")
    x = layers.ReLU(name="stem_relu")(convolve(image, recipe.stem_filters, 3, recipe.stem_stride, "stem"))
    for stage, (filters, depth) in enumerate(zip(recipe.filters, recipe.depths, strict=True), start=1):
        for index in range(depth):
            x = block(x, filters, 2 if index == 0 else 1, f"s{stage}b{index + 1}")
    x = layers.GlobalAveragePooling2D(keepdims=True, name="mean")(x)
    x = layers.Dropout(recipe.dropout, seed=next(seeds), name="dropout")(x)
    outputs = {}
    for head, labels in heads.items():
        start = keras.initializers.RandomNormal(stddev=0.01, seed=next(seeds))
        logits = layers.Conv2D(
            len(labels), 1, kernel_initializer=start, dtype="float32", name=f"{head}_head"
        )(x)
        outputs[head] = layers.Reshape((len(labels),), dtype="float32", name=head)(logits)
    return keras.Model(image, outputs, name=recipe.name.replace("-", "_"))


def multiply_adds(model: Any) -> int:
    """Count the multiply-adds of one inference, convolutions only."""
    total = 0
    for layer in model.layers:
        if type(layer).__name__ == "Conv2D":
            _, height, width, _ = layer.output.shape
            rows, columns, inputs, outputs = layer.kernel.shape
            total += height * width * rows * columns * inputs * outputs
    return int(total)
