"""Random changes to a batch of training faces, vectorised on the training device and free of any one backend."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from train.recipe import AugmentRecipe


class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Augmentation layer: float (N, S, S, 1) in 0..1 to the same shape, type and range.

    The order is the world's: the face moves, optics and sensor spoil it, light and contrast change, something
    covers a part. Each face has its own draw of everything.
    """

    def __init__(self, recipe: AugmentRecipe, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.recipe = recipe
        self.random = keras.random.SeedGenerator(seed)

    def call(self, faces: Any) -> Any:
        """Return changed copies of `faces`."""
        faces = ops.cast(faces, "float32")
        for change in (move, lower_resolution, blur, noise, light, erase):
            faces = change(faces, self.recipe, self.random)
        return ops.clip(faces, 0.0, 1.0)


def move(faces: Any, recipe: AugmentRecipe, random: Any) -> Any:
    """Flip, rotate, zoom and shift in one bilinear sampling; what comes in from outside repeats the border."""
    count, size = faces.shape[0] or ops.shape(faces)[0], faces.shape[1]
    angle = _uniform((count,), recipe.rotation_deg, random) * (math.pi / 180.0)
    zoom = 1.0 + _uniform((count,), recipe.scale, random)
    flip = ops.where(_chosen((count,), 0.5, random), -1.0, 1.0)
    shift_x = _uniform((count,), recipe.shift * size / 2, random)
    shift_y = _uniform((count,), recipe.shift * size / 2, random)
    cosine, sine = ops.cos(angle) / zoom, ops.sin(angle) / zoom
    centre = (size - 1) / 2.0
    # Output pixel (x, y) takes its value from input pixel (a x + b y + c, d x + e y + f).
    a, b, d, e = flip * cosine, -flip * sine, sine, cosine
    c = centre + shift_x - (a + b) * centre
    f = centre + shift_y - (d + e) * centre
    zero = ops.zeros_like(a)
    transform = ops.stack([a, b, c, d, e, f, zero, zero], axis=1)
    return ops.image.affine_transform(
        faces, transform, interpolation="bilinear", fill_mode="nearest", data_format="channels_last"
    )


def lower_resolution(faces: Any, recipe: AugmentRecipe, random: Any) -> Any:
    """Shrink some faces to one of the recipe's sides and enlarge them again, as a far face is."""
    count, size = ops.shape(faces)[0], faces.shape[1]
    share = recipe.low_resolution_share / max(len(recipe.low_resolution_px), 1)
    for side in recipe.low_resolution_px:
        small = ops.image.resize(faces, (side, side), antialias=True, data_format="channels_last")
        large = ops.image.resize(small, (size, size), data_format="channels_last")
        faces = ops.where(_chosen((count, 1, 1, 1), share, random), large, faces)
    return faces


def blur(faces: Any, recipe: AugmentRecipe, random: Any) -> Any:
    """Blur some faces by a 5x5 binomial kernel, mixed with the sharp face at random: motion and focus."""
    count = ops.shape(faces)[0]
    row = ops.convert_to_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    padded = ops.pad(faces, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="symmetric")
    soft = ops.conv(padded, ops.reshape(row, (5, 1, 1, 1)), data_format="channels_last")
    soft = ops.conv(soft, ops.reshape(row, (1, 5, 1, 1)), data_format="channels_last")
    amount = keras.random.uniform((count, 1, 1, 1), 0.3, 1.0, seed=random)
    return ops.where(
        _chosen((count, 1, 1, 1), recipe.blur_share, random), faces + amount * (soft - faces), faces
    )


def noise(faces: Any, recipe: AugmentRecipe, random: Any) -> Any:
    """Add white noise of a random strength to some faces: a sensor in the dark."""
    count = ops.shape(faces)[0]
    strength = keras.random.uniform((count, 1, 1, 1), 0.0, recipe.noise, seed=random)
    noisy = faces + strength * keras.random.normal(ops.shape(faces), seed=random)
    return ops.where(_chosen((count, 1, 1, 1), recipe.noise_share, random), noisy, faces)


def light(faces: Any, recipe: AugmentRecipe, random: Any) -> Any:
    """Change gamma, contrast about mid-gray and brightness of all faces, and light some from one side."""
    count, size = ops.shape(faces)[0], faces.shape[1]
    one = (count, 1, 1, 1)
    exponent = ops.exp(_uniform(one, recipe.gamma, random))
    faces = ops.power(ops.clip(faces, 1e-4, 1.0), exponent)
    faces = (faces - 0.5) * (1.0 + _uniform(one, recipe.contrast, random)) + 0.5
    faces = faces + _uniform(one, recipe.brightness, random)
    ramp = ops.reshape(ops.linspace(-1.0, 1.0, size), (1, 1, size, 1))
    slope = _uniform(one, recipe.side_light, random)
    lit = _chosen(one, recipe.side_light_share, random)
    return faces + ops.where(lit, slope, 0.0) * ops.cast(ramp, "float32")


def erase(faces: Any, recipe: AugmentRecipe, random: Any) -> Any:
    """Fill one square of some faces with a random gray (Zhong et al. 2017, arXiv 1708.04896)."""
    count, size = ops.shape(faces)[0], faces.shape[1]
    one = (count, 1, 1, 1)
    low, high = recipe.erase_px
    side = keras.random.uniform(one, low, high + 1, seed=random)
    top = keras.random.uniform(one, 0.0, 1.0, seed=random) * (size - side)
    left = keras.random.uniform(one, 0.0, 1.0, seed=random) * (size - side)
    pixels = ops.arange(size, dtype="float32")
    y, x = ops.reshape(pixels, (1, size, 1, 1)), ops.reshape(pixels, (1, 1, size, 1))
    inside = ops.logical_and(
        ops.logical_and(y >= top, y < top + side), ops.logical_and(x >= left, x < left + side)
    )
    gray = keras.random.uniform(one, 0.0, 1.0, seed=random)
    return ops.where(ops.logical_and(inside, _chosen(one, recipe.erase_share, random)), gray, faces)


def _uniform(shape: tuple[Any, ...], limit: float, random: Any) -> Any:
    return keras.random.uniform(shape, -limit, limit, seed=random)


def _chosen(shape: tuple[Any, ...], share: float, random: Any) -> Any:
    return keras.random.uniform(shape, 0.0, 1.0, seed=random) < share
