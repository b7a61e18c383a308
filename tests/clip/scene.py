"""Each frame of the clip, composited from the corridor, the footage and the portraits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from corridor import Footage, plate
from expression import average_surprise, surprised
from portraits import (
    EYE_DISTANCE,
    EYE_X,
    EYE_Y,
    Image,
    Morph,
    aligned,
    average,
    cut_out,
    dye_shirt,
    extend_body,
)
from timeline import Person, Pose, Script

AVERAGE = "average"
PORTRAIT_OF = {"neutral": "neutral", "happy": "smiling"}
"""Which of a person's portraits shows an expression."""
GAIN = (0.60, 0.60, 0.62)
"""Studio light to corridor light, by channel (BGR): a lit portrait's skin becomes as bright as the walkers'."""
GAIN_RIGHT = 0.16
"""The bright wall is on the right: gain added from the picture's left edge to its right one."""
HAZE = 17.0
"""Black level of the corridor's camera, gray levels."""
SOFT_PX = 0.7
"""Blur of the corridor's camera beside the portraits', pixels."""


Between = Callable[[str, str, float], Image]
"""Returns the picture at some share of the way from one expression to another."""


class Head:
    """One person's pictures and what turns an expression into one of them."""

    def __init__(self, person: Person, pictures: dict[str, Image], between: Between) -> None:
        self._pictures = pictures
        self._between = between
        self._shirt = person.shirt
        self._cache: dict[tuple[tuple[str, float], ...], Image] = {}

    def show(self, weights: dict[str, float]) -> Image:
        """Return the premultiplied picture for the given shares of one or two expressions."""
        key = tuple(weights.items())
        if key not in self._cache:
            if len(weights) == 1:
                picture = self._pictures[key[0][0]]
            else:
                (first, _), (second, share) = key
                picture = self._between(first, second, share)
            self._cache[key] = extend_body(dye_shirt(picture, self._shirt))
        return self._cache[key]


def _portrait_head(person: Person, data: Path) -> Head:
    words = dict.fromkeys(["neutral", *(e.emotion for e in person.expressions)])
    folder = data / "open" / "london"
    pictures = {
        word: cut_out(aligned(folder / f"{person.portrait}_{PORTRAIT_OF[word]}.jpg")) for word in words
    }
    morphs = {(a, b): Morph(pictures[a], pictures[b]) for a in pictures for b in pictures if a != b}
    return Head(person, pictures, lambda a, b, share: morphs[a, b].at(share))


class Scene:
    """Renders the clip's frames from the script and the data."""

    def __init__(self, script: Script, data: Path, say: Callable[[str], None]) -> None:
        self.script = script
        clip = script.clip
        say("corridor and footage")
        self._plate = plate(data, script.corridor, clip)
        self._footage = [Footage(data, walkers, script.corridor, clip) for walkers in script.walkers]
        self._heads: dict[str, Head] = {}
        self.averaged_faces = 0
        for person in script.people:
            say(f"head of {person.name} ({person.portrait})")
            make = self._average_head if person.portrait == AVERAGE else _portrait_head
            self._heads[person.name] = make(person, data)

    def _average_head(self, person: Person, data: Path) -> Head:
        spec = self.script
        folder = data / "open" / "london"
        base = average([aligned(folder / f"{number}_neutral.jpg") for number in spec.average.portraits])
        mean, self.averaged_faces = average_surprise(data, spec.surprise)
        alpha = cut_out(base)

        def face(share: float) -> Image:
            changed = surprised(base, mean, spec.surprise, share)
            # The outline of the head stays the average's own; only what is well inside it changes.
            inside = cv2.erode(alpha[..., 3], np.ones((9, 9), np.uint8))
            inside = cv2.GaussianBlur(inside, (0, 0), 2.0)[..., None]
            colour = alpha[..., :3] * (1 - inside) + changed * inside
            return np.dstack([colour, alpha[..., 3]]).astype(np.float32)

        def between(first: str, _second: str, share: float) -> Image:
            return face(share if first == "neutral" else 1.0 - share)

        return Head(person, {"neutral": face(0.0), "surprise": face(1.0)}, between)

    def frame(self, index: int) -> npt.NDArray[np.uint8]:
        """Return frame `index`: uint8 BGR."""
        clip = self.script.clip
        t = index / clip.fps
        picture = self._plate
        for walkers, footage in zip(self.script.walkers, self._footage, strict=True):
            opacity = np.float32(walkers.opacity(t))
            if opacity > 0:
                picture = picture * (1 - opacity) + footage.at(walkers.source_frame(t)) * opacity
        for person in self.script.people:
            pose = person.pose(t, clip)
            if pose is not None:
                picture = self._place(picture, self._heads[person.name].show(person.weights(t)), pose)
        random = np.random.default_rng((clip.seed, index))
        noise = random.standard_normal((clip.height, clip.width, 1), np.float32) * np.float32(clip.noise)
        return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)

    @staticmethod
    def _place(picture: Image, head: Image, pose: Pose) -> Image:
        height, width = picture.shape[:2]
        scale = pose.eye_distance / EYE_DISTANCE
        matrix = cv2.getRotationMatrix2D((EYE_X, EYE_Y), pose.roll_deg, scale)
        matrix[:, 2] += (pose.x - EYE_X, pose.y - EYE_Y)
        # Shrinking below the pixels of the portrait needs a blur first, or its hair glitters.
        smooth = cv2.GaussianBlur(head, (0, 0), max(SOFT_PX / scale, 0.3))
        placed = cv2.warpAffine(smooth, matrix, (width, height), flags=cv2.INTER_LINEAR)
        alpha = placed[..., 3:]
        right = np.linspace(0, GAIN_RIGHT, width, dtype=np.float32)[None, :, None]
        lit = placed[..., :3] * 255 * (np.array(GAIN, np.float32) + right) + HAZE * alpha
        opacity = np.float32(pose.opacity)
        return picture * (1 - alpha * opacity) + lit * opacity
