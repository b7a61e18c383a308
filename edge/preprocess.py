"""The one way from a picture of a face to a network's input; training, calibration and the device all call it."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]


class CropSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a detector's box becomes the square that the network was trained on."""

    box_scale: float = 1.0
    """Side of the crop divided by the side of the detector's box."""
    shift_y: float = 0.0
    """Downward shift of the crop's centre, as a share of the box's height."""


class ContrastSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gray levels after standardising each crop by its own mean and standard deviation.

    A dark or back-lit crop and a bright one of the same face become nearly the same input.
    """

    mean: float = 128.0
    """Gray level of the crop's mean after standardising, 0 to 255."""
    std: float = 56.0
    """Gray levels of one standard deviation after standardising."""
    std_floor: float = 10.0
    """Standard deviations below this, in gray levels, are not amplified further: they are sensor noise."""


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a network takes: a square gray picture of `size_px`, cut and standardised as said here."""

    size_px: int = 48
    crop: CropSpec = CropSpec()
    contrast: ContrastSpec = ContrastSpec()


def cut(gray: Gray, box: Box, spec: CropSpec) -> Gray:
    """Cut the square around a detector's box; what lies outside the picture repeats its border.

    Parameters
    ----------
    gray: uint8 (H, W).
    box: x, y, width, height in pixels of `gray`; may reach over the border.

    Returns
    -------
    uint8 (side, side), a copy; `side` is at least one pixel.
    """
    x, y, width, height = box
    side = max(1, round(max(width, height) * spec.box_scale))
    left = round(x + width / 2 - side / 2)
    top = round(y + height / 2 + height * spec.shift_y - side / 2)
    rows, columns = gray.shape
    if left >= 0 and top >= 0 and left + side <= columns and top + side <= rows:
        return gray[top : top + side, left : left + side].copy()
    ys = np.clip(np.arange(top, top + side), 0, rows - 1)
    xs = np.clip(np.arange(left, left + side), 0, columns - 1)
    return np.ascontiguousarray(gray[np.ix_(ys, xs)])


def to_input(crop: Gray, spec: InputSpec) -> Gray:
    """Scale a crop to the network's size and standardise its contrast.

    Parameters
    ----------
    crop: uint8 (H, W), any size of at least 1x1.

    Returns
    -------
    uint8 (size_px, size_px).
    """
    size = spec.size_px
    if crop.shape != (size, size):
        shrinks = crop.shape[0] >= size and crop.shape[1] >= size
        # Area averaging keeps thin mouth and brow lines when shrinking; it is nearest-neighbour when enlarging.
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        crop = np.asarray(cv2.resize(crop, (size, size), interpolation=method), np.uint8)
    values = crop.astype(np.float32)
    contrast = spec.contrast
    gain = contrast.std / max(float(values.std()), contrast.std_floor)
    values -= values.mean()
    values *= gain
    values += contrast.mean
    np.rint(values, out=values)
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def quantise(pixels: Gray, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """Turn input pixels (taken as value / 255) into the network's int8 numbers, rounded and clipped.

    Parameters
    ----------
    pixels: uint8, any shape, from `to_input`.
    scale, zero_point: the input tensor's quantisation; real = scale * (int8 - zero_point).
    """
    values = np.rint(pixels.astype(np.float32) / (255.0 * scale)) + zero_point
    return np.asarray(np.clip(values, -128, 127), np.int8)
