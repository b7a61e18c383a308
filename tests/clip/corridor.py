"""The empty corridor, and the people who really walk up in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from timeline import ClipSpec, CorridorSpec, Walkers

Image = npt.NDArray[np.float32]

EARLY_FRAMES = 5
"""The people of the plate's clip are still at the far end in its first frames: left of `FREE_X` is free."""
FREE_X = (236, 250)
"""Columns (source pixels) over which the first frames give way to the median of all."""
DOOR = (286, 346)
"""Columns of the far door before which somebody stands in every frame …"""
DOOR_ROWS = (70, 92)
"""… and the rows of it that are seen above their head: they are continued down to the floor."""
DOOR_SHADE = 0.82
"""How much darker the door is at its foot than at its head."""
FLOOR_Y = 228
"""Where the door stands on the floor."""
FLOOR_FROM_X = (266, 282)
"""Columns of seen floor that are continued before the door."""
WALL = (246, 296, 92, 224)
"""x0, x1, y0, y1 of a plain piece of wall that people cover: a membrane between its left, right and upper edges."""
WALL_STEPS = 4000
"""Relaxation steps of the membrane: the wall is 50 px wide, so 50² and some more."""


def read_frames(path: Path) -> list[npt.NDArray[np.uint8]]:
    """Return all frames of a small clip, BGR."""
    capture = cv2.VideoCapture(str(path))
    frames: list[npt.NDArray[np.uint8]] = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(np.asarray(frame, np.uint8))
    if not frames:
        raise FileNotFoundError(f"{path}: not a clip that OpenCV can read")
    return frames


def _to_clip(image: npt.NDArray[np.float32], corridor: CorridorSpec, clip: ClipSpec) -> Image:
    left, right = corridor.crop_x
    size = (clip.width, clip.height)
    return np.asarray(cv2.resize(image[:, left:right], size, interpolation=cv2.INTER_CUBIC), np.float32)


def _membrane(image: Image, x0: int, x1: int, y0: int, y1: int) -> None:
    """Fill a rectangle smoothly from its left, right and upper edges; its lower edge is free."""
    part = image[y0 - 1 : y1, x0 - 1 : x1 + 1].copy()
    part[:, 0] = cv2.GaussianBlur(part[:, :1], (1, 9), 2.0).reshape(part[:, 0].shape)
    share = np.linspace(0, 1, part.shape[1], dtype=np.float32)[None, :, None]
    part[1:, 1:-1] = (part[:, :1] * (1 - share) + part[:, -1:] * share)[1:, 1:-1]
    for _ in range(WALL_STEPS):
        below = np.concatenate([part[2:, 1:-1], part[-1:, 1:-1]])
        part[1:, 1:-1] = 0.25 * (part[:-1, 1:-1] + below + part[1:, :-2] + part[1:, 2:])
    image[y0 - 1 : y1, x0:x1] = part[:, 1:-1]


def plate(data: Path, corridor: CorridorSpec, clip: ClipSpec) -> Image:
    """Return the corridor without anybody: float32 (height, width, 3), 0 to 255."""
    frames = np.stack(read_frames(data / corridor.clip))
    early = np.median(frames[:EARLY_FRAMES], axis=0).astype(np.float32)
    empty = np.median(frames, axis=0).astype(np.float32)
    columns = np.arange(empty.shape[1])
    late = np.clip((columns - FREE_X[0]) / (FREE_X[1] - FREE_X[0]), 0, 1).astype(np.float32)[None, :, None]
    empty = early * (1 - late) + empty * late
    top = DOOR_ROWS[1]
    empty[:top, : DOOR[1]] = early[:top, : DOOR[1]]
    x0, x1 = DOOR
    rows = np.arange(top, empty.shape[0])
    shade = np.interp(rows, [top, empty.shape[0]], [1.0, DOOR_SHADE]).astype(np.float32)[:, None, None]
    door = early[DOOR_ROWS[0] : top, x0:x1].mean(axis=0)[None] * shade
    seen = np.median(empty[top:, FLOOR_FROM_X[0] : FLOOR_FROM_X[1]], axis=1, keepdims=True)
    seen[: FLOOR_Y + 8 - top] = seen[FLOOR_Y + 8 - top]
    on_floor = np.clip((rows - FLOOR_Y) / 4.0, 0.0, 1.0).astype(np.float32)[:, None, None]
    empty[top:, x0:x1] = (
        door * (1 - on_floor) + cv2.GaussianBlur(seen, (1, 9), 2.0).reshape(seen.shape) * on_floor
    )
    _membrane(empty, *WALL)
    return _to_clip(cv2.GaussianBlur(empty, (0, 0), 0.7), corridor, clip)


def warp(image: Image, from_x: Image, from_y: Image) -> Image:
    """Return the image whose every pixel comes from the given place of `image`; its border repeats."""
    return np.asarray(
        cv2.remap(image, from_x, from_y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE), np.float32
    )


class Footage:
    """Real footage at the clip's rate: between two frames of the preview it is interpolated along its motion."""

    def __init__(self, data: Path, walkers: Walkers, corridor: CorridorSpec, clip: ClipSpec) -> None:
        self._frames = [
            # The previews are GIFs: their palette's dither goes, edges stay.
            _to_clip(cv2.bilateralFilter(frame, 5, 20, 2).astype(np.float32), corridor, clip)
            for frame in read_frames(data / walkers.clip)
        ]
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        y, x = np.mgrid[: clip.height, : clip.width].astype(np.float32)
        self._x, self._y = x, y
        self._pair: tuple[int, Image, Image] | None = None

    def at(self, position: float) -> Image:
        """Return the picture at a fractional frame number."""
        index = min(int(position), len(self._frames) - 2)
        share = np.float32(position - index)
        before, after = self._frames[index], self._frames[index + 1]
        if self._pair is None or self._pair[0] != index:
            gray = [
                cv2.cvtColor(np.clip(f, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY) for f in (before, after)
            ]
            forth = self._flow.calc(gray[0], gray[1], None)
            back = self._flow.calc(gray[1], gray[0], None)
            self._pair = (index, forth, back)
        _, forth, back = self._pair
        moved = [
            warp(image, self._x + k * f[..., 0], self._y + k * f[..., 1])
            for image, f, k in ((before, back, share), (after, forth, np.float32(1.0) - share))
        ]
        return np.asarray(moved[0] * (1 - share) + moved[1] * share, np.float32)
