"""Surprise for a head that nobody has: its shape from the script, its eyes and mouth from averaged FER2013 faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from portraits import EYE_DISTANCE, EYE_X, EYE_Y, SIZE, Image, align_matrix, find_eyes, grid
from timeline import SurpriseSpec

SURPRISE_VOTES = 2
"""Column of `surprise` in FER+'s vote table."""
FER_SIDE = 48
FER_UPSCALE = 5.0
"""The eye cascade's smallest eye is 20 px; an eye of a 48x48 face is about 9."""
LEAST_FACES = 100
"""Fewer faces than this are not an average but people."""


def average_surprise(data: Path, spec: SurpriseSpec) -> tuple[Image, int]:
    """Return the mean of aligned surprised training faces, standardised, on the portraits' grid; and their number."""
    with np.load(data / "fer2013.npz") as table:
        chosen = (table["usage"] == 0) & (table["ferplus_votes"][:, SURPRISE_VOTES] >= spec.votes)
        faces = table["image"][chosen]
    total, count = np.zeros((SIZE, SIZE), np.float64), 0
    for face in faces:
        top = int(FER_SIDE * 0.1)
        eyes = find_eyes(face[top : int(FER_SIDE * 0.62)], scale=FER_UPSCALE, smallest=36, largest=95)
        if eyes is None:
            continue
        (x0, y0), (x1, y1) = eyes
        # A wrong pair of eyes is too near, too far, tilted or not in the middle.
        if not (14 < x1 - x0 < 26 and abs(y1 - y0) < 4 and abs((x0 + x1) / 2 - FER_SIDE / 2) < 4):
            continue
        matrix = align_matrix(((x0, y0 + top), (x1, y1 + top)), EYE_DISTANCE, (EYE_X, EYE_Y))
        warped = cv2.warpAffine(
            face.astype(np.float32),
            matrix,
            (SIZE, SIZE),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        inner = warped[105:375, 136:376]
        total += (warped - inner.mean()) / (inner.std() + 1e-3)
        count += 1
    if count < LEAST_FACES:
        raise ValueError(f"only {count} surprised faces with two eyes found; an average needs {LEAST_FACES}")
    mean = (total / count).astype(np.float32)
    return np.asarray(mean + 1.0 * (mean - cv2.GaussianBlur(mean, (0, 0), 5.0)), np.float32), count


def _matched(source: Image, target: Image, mask: npt.NDArray[np.bool_]) -> Image:
    spread = target[mask].std() / max(float(source[mask].std()), 1e-3)
    return np.asarray((source - source[mask].mean()) * spread + target[mask].mean(), np.float32)


def surprised(head: Image, mean: Image, spec: SurpriseSpec, amount: float) -> Image:
    """Return an average head (BGR, aligned) surprised by `amount`, 0 to 1."""
    grid_x, grid_y = grid()
    x, y = grid_x - np.float32(EYE_X), grid_y - np.float32(EYE_Y)
    # The mouth opens as an ellipse between a risen upper and a dropped lower lip; chin and neck follow.
    opening = np.sqrt(np.clip(1 - (x / spec.mouth_half_width) ** 2, 0, 1))
    upper = spec.mouth - spec.lip_rise * amount * opening
    lower = spec.mouth + spec.mouth_gap * amount * opening
    drop = spec.jaw_drop * amount * np.exp(-(np.maximum(0, np.abs(x) - spec.jaw_half_width) ** 2) / 2 / 22**2)
    chin = spec.chin + drop
    from_y = np.select(
        [y <= upper, y < lower, y < chin, y < spec.neck],
        [
            y + (spec.mouth - upper) * np.exp(-np.maximum(upper - y, 0) / 14),
            np.full_like(y, spec.mouth),
            spec.mouth + (y - lower) * (spec.chin - spec.mouth) / np.maximum(chin - lower, 1),
            spec.chin + (y - chin) * (spec.neck - spec.chin) / np.maximum(spec.neck - chin, 1),
        ],
        y,
    )
    narrow = 1 - (1 - spec.mouth_narrow) * amount
    off = np.maximum(np.maximum(upper - y, y - lower), 0)
    from_x = x * (1 + (1 / narrow - 1) * np.exp(-((off / 16) ** 2) / 2) * np.exp(-((x / 46) ** 4)))
    for side in (-1, 1):
        eye_x = x - side * EYE_DISTANCE / 2
        brow = np.exp(-(((eye_x - side * 3) / 32) ** 2) / 2 - ((y + 26) / 15) ** 2 / 2)
        lids = np.exp(-((eye_x / 22) ** 4) - (y / 20) ** 4)
        from_y = from_y + spec.brow_rise * amount * brow + y * (1 / (1 + spec.eye_open * amount) - 1) * lids
    bent = cv2.remap(
        head,
        (from_x + EYE_X).astype(np.float32),
        (from_y + EYE_Y).astype(np.float32),
        cv2.INTER_CUBIC,
        None,
        cv2.BORDER_REPLICATE,
    )
    lab = cv2.cvtColor(np.clip(bent, 0, 1), cv2.COLOR_BGR2LAB)
    light = lab[..., 0]
    eyes = np.zeros((SIZE, SIZE), np.uint8)
    for side in (-1, 1):
        cv2.ellipse(eyes, (int(EYE_X + side * EYE_DISTANCE / 2), int(EYE_Y) - 2), (25, 15), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(eyes.astype(np.float32), (0, 0), 4.0) * np.float32(spec.eye_average * amount)
    light = light * (1 - soft) + _matched(mean, light, eyes > 0) * soft
    # The open mouth: the average's own light, made as dark as a mouth is.
    hole = ((y > upper) & (y < lower)).astype(np.float32)
    hole_soft = cv2.GaussianBlur(hole, (0, 0), 1.6)
    if hole.any():
        inside = mean[hole > 0]
        low, high = np.percentile(inside, [5, 95])
        dark = np.clip(8 + 14 * (mean - low) / max(float(high - low), 1e-3), 6, 24)
        light = light * (1 - hole_soft) + dark * hole_soft
    red = lab[..., 1] * (1 - hole_soft) + 14 * hole_soft
    yellow = lab[..., 2] * (1 - hole_soft) + 8 * hole_soft
    out = cv2.cvtColor(np.dstack([light, red, yellow]).astype(np.float32), cv2.COLOR_LAB2BGR)
    return np.clip(out, 0, 1)
