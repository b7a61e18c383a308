"""Spoiled crops: what cameras, networks, light and detectors do to a face, seeded and on 48x48 crops.

The kinds follow Hendrycks & Dietterich 2019 (arXiv 1903.12261); the strengths are set for 48 pixels a face,
where their own would leave nothing. Parameters are in pixels of the crop and in gray levels of 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from train.corrupt_covers import back_light, glasses, mask, sunglasses

Gray = npt.NDArray[np.uint8]
Spoil = Callable[[Gray, np.random.Generator], Gray]

CROP_PX: Final = 48
"""The side that every corruption is defined on: FER2013's."""


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a crop, with its parameters in words."""

    name: str
    family: str
    parameters: str
    spoil: Spoil
    """uint8 (48, 48) and a generator of its own to uint8 (48, 48)."""


def _blur(sigma: float) -> Spoil:
    def spoil(face: Gray, _random: np.random.Generator) -> Gray:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)

    return spoil


def _motion(length: int) -> Spoil:
    def spoil(face: Gray, random: np.random.Generator) -> Gray:
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1.0
        turn = cv2.getRotationMatrix2D((length // 2, length // 2), float(random.uniform(0, 180)), 1.0)
        kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
        kernel /= max(float(kernel.sum()), 1e-6)
        return np.asarray(cv2.filter2D(face, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)

    return spoil


def _jpeg(quality: int) -> Spoil:
    def spoil(face: Gray, _random: np.random.Generator) -> Gray:
        _, encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)

    return spoil


def _noise(sigma: float, gain: float = 1.0) -> Spoil:
    def spoil(face: Gray, random: np.random.Generator) -> Gray:
        values = face.astype(np.float32) * gain + random.normal(0.0, sigma, face.shape)
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    return spoil


def _resolution(side: int) -> Spoil:
    def spoil(face: Gray, _random: np.random.Generator) -> Gray:
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, face.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    return spoil


def _move(*, degrees: float = 0.0, zoom: float = 1.0, shift: float = 0.0) -> Spoil:
    def spoil(face: Gray, random: np.random.Generator) -> Gray:
        side = face.shape[0]
        centre = ((side - 1) / 2.0, (side - 1) / 2.0)
        matrix = cv2.getRotationMatrix2D(centre, degrees, zoom)
        way = float(random.uniform(0, 2 * np.pi))
        matrix[:, 2] += np.array([np.cos(way), np.sin(way)]) * shift * side
        moved = cv2.warpAffine(
            face, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(moved, np.uint8)

    return spoil


CORRUPTIONS: Final = (
    Corruption("blur 1", "blur", "Gaussian, standard deviation 1 pixel", _blur(1.0)),
    Corruption("blur 2", "blur", "Gaussian, standard deviation 2 pixels", _blur(2.0)),
    Corruption("motion 7", "blur", "line of 7 pixels at a random angle", _motion(7)),
    Corruption("JPEG 30", "JPEG", "quality 30", _jpeg(30)),
    Corruption("JPEG 10", "JPEG", "quality 10", _jpeg(10)),
    Corruption("noise 10", "noise", "Gaussian, standard deviation 10 levels", _noise(10.0)),
    Corruption("noise 25", "noise", "Gaussian, standard deviation 25 levels", _noise(25.0)),
    Corruption("dark 35 %", "darkness", "levels times 0.35, then noise of 3 levels", _noise(3.0, 0.35)),
    Corruption("dark 12 %", "darkness", "levels times 0.12, then noise of 3 levels", _noise(3.0, 0.12)),
    Corruption("back-light", "back-light", "face times 0.35, outside of its oval up to white", back_light),
    Corruption("32 px", "low resolution", "shrunk to 32 pixels by area, enlarged linearly", _resolution(32)),
    Corruption("24 px", "low resolution", "shrunk to 24 pixels by area, enlarged linearly", _resolution(24)),
    Corruption("rotated +15°", "rotation", "15 degrees to the left", _move(degrees=15.0)),
    Corruption("rotated -15°", "rotation", "15 degrees to the right", _move(degrees=-15.0)),
    Corruption("box moved 10 %", "box", "a tenth of its side in a random direction", _move(shift=0.1)),
    Corruption("box moved 20 %", "box", "a fifth of its side in a random direction", _move(shift=0.2)),
    Corruption("box 0.85", "box", "side times 0.85: the face is cut tighter", _move(zoom=1 / 0.85)),
    Corruption("box 1.2", "box", "side times 1.2: looser, the border repeats", _move(zoom=1 / 1.2)),
    Corruption("glasses", "covers", "dark rims of a pixel around both eyes", glasses),
    Corruption("sunglasses", "covers", "both eyes under dark lenses", sunglasses),
    Corruption("mask", "covers", "nose and mouth under a bright mask with folds", mask),
)
"""All rows of the robustness table, in its order."""

HEAVY_BLUR: Final = Corruption("heavy blur", "blur", "Gaussian, standard deviation 5 pixels", _blur(5.0))
"""Leaves no expression to see; an honest network is unsure on it."""


def corrupt(faces: Gray, corruption: Corruption, *, seed: int = 0) -> Gray:
    """Return spoiled copies; each face draws from its own generator, so a subset keeps its faces' draws.

    Parameters
    ----------
    faces: uint8 (N, 48, 48).

    Returns
    -------
    uint8 (N, 48, 48).
    """
    name = int.from_bytes(corruption.name.encode()[:8], "big")
    spoiled = np.empty_like(faces)
    for row, face in enumerate(faces):
        # The face's own pixels seed its draw: the same face is spoiled alike in any order and selection.
        pixels = int(face.sum(dtype=np.uint64))
        spoiled[row] = corruption.spoil(face, np.random.default_rng([seed, name, pixels]))
    return spoiled
