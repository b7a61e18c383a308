"""Heads from the Face Research Lab London Set: aligned, cut out, averaged, and changed between two expressions."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from corridor import warp

Image = npt.NDArray[np.float32]
Gray = npt.NDArray[np.uint8]
Eyes = tuple[tuple[float, float], tuple[float, float]]

SIZE = 512
"""Side of an aligned portrait, pixels: the portraits' own."""
EYE_DISTANCE = 80.0
"""Eye distance of an aligned portrait: the mean of the London portraits, so that alignment hardly scales."""
EYE_X, EYE_Y = 256.0, 235.0
"""Midpoint of the eyes of an aligned portrait."""
BODY = 320
"""Rows added below a portrait by repeating its last one: a body for somebody who is seen from further away."""
CHIN_Y = 372
"""No shirt above this row of an aligned portrait."""
LEAST_CLOTH_PX = 1500
"""A pale piece below the chin smaller than this is a highlight."""
NECKLINE_Y, NECKLINE_PX = 412.0, (88.0, 36.0)
"""A round neckline: row of its ends, half its width and its depth, in an aligned portrait."""
CLOTH_GAMMA = 1.6
"""Deepens the folds of a shirt that was white."""
SLEEVE_HALF_PX, SLEEVE_FREE_PX = 243.0, 165.0
"""Half the width of a body, and the half within which nothing is rounded off."""
SLEEVE_Y, SLEEVE_PX = 500.0, 95.0
"""Row at which a sleeve is widest, and over how many rows above it the sleeve grows."""
MAYBE_BODY = ((180, 395), (332, 395), (470, 470), (500, 511), (12, 511), (42, 470))
SURELY_BODY = ((214, 340), (298, 340), (312, 420), (400, 470), (420, 511), (92, 511), (112, 470), (200, 420))
"""Outlines from which the cut starts: shoulders that most portraits reach, and a neck and chest that all fill."""

_CASCADES = Path(cv2.data.haarcascades)
_FACE = cv2.CascadeClassifier(str(_CASCADES / "haarcascade_frontalface_default.xml"))
_EYE = cv2.CascadeClassifier(str(_CASCADES / "haarcascade_eye.xml"))


def find_eyes(gray: Gray, *, scale: float, smallest: int, largest: int) -> Eyes | None:
    """Return the centres of the left and right eye in a picture that holds little but eyes, or nothing."""
    big = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    boxes, _, weights = _EYE.detectMultiScale3(
        big, 1.06, 2, minSize=(smallest, smallest), maxSize=(largest, largest), outputRejectLevels=True
    )
    best: dict[bool, tuple[float, tuple[float, float]]] = {}
    for (x, y, width, height), weight in zip(boxes, np.ravel(weights), strict=True):
        centre = ((x + width / 2) / scale, (y + height / 2) / scale)
        side = centre[0] > gray.shape[1] / 2
        if abs(centre[0] / gray.shape[1] - 0.5) > 0.08 and (side not in best or weight > best[side][0]):
            best[side] = (float(weight), centre)
    return (best[False][1], best[True][1]) if len(best) == 2 else None


def align_matrix(eyes: Eyes, distance: float, middle: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return the 2x3 similarity that brings the eyes to `distance` apart, level, around `middle`."""
    (x0, y0), (x1, y1) = eyes
    scale = distance / np.hypot(x1 - x0, y1 - y0)
    angle = np.arctan2(y1 - y0, x1 - x0)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    centre = matrix[:, :2] @ [(x0 + x1) / 2, (y0 + y1) / 2]
    matrix[:, 2] = np.asarray(middle) - centre
    return matrix


def aligned(path: Path) -> Image:
    """Return a portrait with its eyes at the standard place: float32 (512, 512, 3), 0 to 1."""
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path}: not a picture that OpenCV can read")
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    faces = _FACE.detectMultiScale(gray, 1.05, 5, minSize=(100, 100))
    eyes = None
    if len(faces):
        x, y, width, height = max(faces, key=lambda box: box[2])
        top = y + int(0.18 * height)
        inside = find_eyes(
            gray[top : y + int(0.55 * height), x : x + width], scale=240 / width, smallest=36, largest=90
        )
        eyes = inside and tuple((px + x, py + top) for px, py in inside)
    if not eyes:
        raise ValueError(f"{path}: no two eyes found; choose another portrait")
    matrix = align_matrix(eyes, EYE_DISTANCE, (EYE_X, EYE_Y))
    warped = cv2.warpAffine(
        image, matrix, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.float32) / np.float32(255)


def _gray8(image: Image) -> Gray:
    return cv2.cvtColor(np.clip(image[..., :3] * 255, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY)


def grid(size: int = SIZE) -> tuple[Image, Image]:
    """Return the x and y of each pixel."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return x, y


def _flow() -> cv2.DISOpticalFlow:
    """Return a dense flow that is smooth enough to match two faces."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(2)
    flow.setPatchSize(16)
    flow.setPatchStride(6)
    flow.setVariationalRefinementAlpha(60.0)
    return flow


def average(portraits: list[Image], rounds: int = 3) -> Image:
    """Return the sharp average of aligned heads: each is warped along its flow to the mean, again and again."""
    flow, x, y = _flow(), *grid()
    mean = np.mean(portraits, axis=0, dtype=np.float32)
    equal = cv2.createCLAHE(2.0, (8, 8))
    for step in range(rounds):
        target = equal.apply(_gray8(mean))
        moves = [
            cv2.GaussianBlur(flow.calc(target, equal.apply(_gray8(p)), None), (0, 0), 6.0 - step)
            for p in portraits
        ]
        centre = np.mean(moves, axis=0)
        mean = np.mean(
            [
                cv2.remap(
                    p,
                    x + m[..., 0] - centre[..., 0],
                    y + m[..., 1] - centre[..., 1],
                    cv2.INTER_CUBIC,
                    None,
                    cv2.BORDER_REPLICATE,
                )
                for p, m in zip(portraits, moves, strict=True)
            ],
            axis=0,
        )
    return np.clip(mean, 0, 1).astype(np.float32)


def cut_out(image: Image) -> Image:
    """Return a head and shoulders without the studio's plain wall: BGRA, straight alpha, 0 to 1."""
    pixels = np.clip(image * 255, 0, 255).astype(np.uint8)
    mask = np.full((SIZE, SIZE), cv2.GC_PR_BGD, np.uint8)
    mask[:36] = cv2.GC_BGD
    mask[:400, :70] = cv2.GC_BGD
    mask[:400, -70:] = cv2.GC_BGD
    # Head, neck and chest, generously inside the outline.
    cv2.ellipse(mask, (256, 215), (118, 165), 0, 0, 360, int(cv2.GC_PR_FGD), -1)
    cv2.fillPoly(mask, [np.array(MAYBE_BODY, np.int32)], int(cv2.GC_PR_FGD))
    cv2.ellipse(mask, (256, 245), (70, 108), 0, 0, 360, int(cv2.GC_FGD), -1)
    cv2.fillPoly(mask, [np.array(SURELY_BODY, np.int32)], int(cv2.GC_FGD))
    cv2.setRNGSeed(1)
    cv2.grabCut(pixels, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(inside)
    inside = (
        (parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8) if count > 1 else inside
    )
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    alpha = cv2.GaussianBlur(cv2.erode(inside, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 1.6)
    # At the outline the wall shines through the hair: take the colour from further inside.
    core = cv2.erode(inside, np.ones((9, 9), np.uint8)).astype(np.float32)
    weight = cv2.GaussianBlur(core, (0, 0), 4.0)
    spread = cv2.GaussianBlur(image * core[..., None], (0, 0), 4.0) / np.maximum(weight, 1e-3)[..., None]
    keep = cv2.GaussianBlur(core, (0, 0), 1.5)[..., None]
    keep = np.where(weight[..., None] > 0.02, keep, 1.0)
    colour = image * keep + spread * (1 - keep)
    return np.dstack([colour, alpha]).astype(np.float32)


def _cloth(head: Image) -> Image:
    """Return where the white shirt is, 0 to 1: pale, colourless, below the chin, in one large piece."""
    lab = cv2.cvtColor(np.clip(head[..., :3], 0, 1), cv2.COLOR_BGR2LAB)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    _, y = grid()
    pale = np.clip((lab[..., 0] - 52) / 14, 0, 1) * np.clip((13 - chroma) / 5, 0, 1)
    white = pale * np.clip((y - CHIN_Y) / 8, 0, 1)
    # Highlights on the neck are pale too, but small.
    _, parts, stats, _ = cv2.connectedComponentsWithStats((white > 0.4).astype(np.uint8))
    large = np.isin(parts, 1 + np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] > LEAST_CLOTH_PX)).astype(np.uint8)
    large = cv2.morphologyEx(large, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    return np.asarray(large, np.float32)


def dye_shirt(head: Image, colour: str) -> Image:
    """Return the head with its white shirt in `colour` (`#rrggbb`), closed to a round neck where it is cut low."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    cloth = _cloth(head)
    x, y = grid()
    across, down = NECKLINE_PX
    below = (y - NECKLINE_Y) - down * np.sqrt(np.clip(1 - ((x - EYE_X) / across) ** 2, 0, 1)) > 0
    shirt = cv2.GaussianBlur(np.maximum(cloth, below.astype(np.float32)), (0, 0), 1.5)[..., None]
    # Skin that the shirt now covers keeps its shading, softly, at the brightness of the cloth.
    light = cv2.cvtColor(np.clip(head[..., :3], 0, 1), cv2.COLOR_BGR2GRAY)
    skin = below & (cloth < 0.5) & (head[..., 3] > 0.5)
    if skin.any() and cloth.any():
        soft = cv2.GaussianBlur(light, (0, 0), 5.0)
        shade = np.clip(soft / np.median(soft[skin]), 0.92, 1.08) * np.median(light[cloth > 0.5])
        seam = cv2.GaussianBlur(skin.astype(np.float32), (0, 0), 4.0)
        light = light * (1 - seam) + shade * seam
    dyed = head.copy()
    dye = np.array([blue, green, red], np.float32)
    dyed[..., :3] = (
        head[..., :3] * (1 - shirt) + (np.clip(light, 0, 1) ** CLOTH_GAMMA)[..., None] * dye * shirt
    )
    return dyed


def extend_body(head: Image) -> Image:
    """Return the head with a longer body: premultiplied BGRA, (512 + BODY, 512, 4)."""
    last = cv2.GaussianBlur(head[-6:], (0, 0), 3.0)[-1:]
    body = np.repeat(last, BODY, axis=0)
    body[..., 3] = head[-1:, :, 3]
    longer = np.concatenate([head, body])
    # Portraits end at their sides: round what would be a sleeve cut off straight.
    x = np.arange(SIZE, dtype=np.float32)[None]
    y = np.arange(SIZE + BODY, dtype=np.float32)[:, None]
    sleeve = SLEEVE_HALF_PX * np.sqrt(np.clip(1 - (np.maximum(SLEEVE_Y - y, 0) / SLEEVE_PX) ** 2, 0, 1))
    longer[..., 3] *= np.clip((np.maximum(sleeve, SLEEVE_FREE_PX) - np.abs(x - EYE_X)) / 3 + 0.5, 0, 1)
    longer[..., :3] *= longer[..., 3:]
    return longer


class Morph:
    """The change from one picture of a person to another, along the flow between them."""

    def __init__(self, first: Image, second: Image) -> None:
        self._first, self._second = first, second
        flow = _flow()
        grays = _gray8(first), _gray8(second)
        self._forth = cv2.GaussianBlur(flow.calc(grays[0], grays[1], None), (0, 0), 3.0)
        self._back = cv2.GaussianBlur(flow.calc(grays[1], grays[0], None), (0, 0), 3.0)

    def at(self, share: float) -> Image:
        """Return the picture at `share` of the way (0: the first, 1: the second)."""
        if share <= 0.0:
            return self._first
        if share >= 1.0:
            return self._second
        x, y = grid()
        k = np.float32(share)
        rest = np.float32(1.0) - k
        first = warp(self._first, x + k * self._back[..., 0], y + k * self._back[..., 1])
        second = warp(self._second, x + rest * self._forth[..., 0], y + rest * self._forth[..., 1])
        return np.asarray(first * rest + second * k, np.float32)
