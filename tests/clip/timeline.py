"""The clip's script as types: who is where at which moment, and the truth that follows from it."""

from __future__ import annotations

import itertools
import math
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

Box = tuple[float, float, float, float]

BOX_SIDE = 2.6
"""Side of a Haar box in eye distances (206 px on 79 px: mean over the 204 London portraits)."""
BOX_ABOVE_EYES = 1.0
"""How far a Haar box reaches above the eyes, in eye distances (same measurement)."""
SWAY_PX = (4.0, 2.0)
"""How far a standing person sways sideways and up and down, in pixels at an eye distance of 70 px."""
SWAY_PERIOD_S = (3.7, 2.3)
"""Periods of the two sways: slow, and without a common multiple within a visit."""
SWAY_SCALE = 0.012
SWAY_ROLL_DEG = 1.3
STEP_S = 0.45
"""Duration of one step of somebody who walks."""
BOB_PX = 5.0
"""How far the head sinks within a step."""
FAR_SCALE = 0.5
"""Size at which somebody who walks up appears, as a share of the size at which they stop."""
FADE_S = 0.3
"""Somebody who walks up appears within this time."""


class ClipSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size, length and encoding of the clip."""

    width: int
    height: int
    fps: int
    seconds: float
    seed: int
    noise: float
    crf: int
    truth_step_s: float

    @property
    def frames(self) -> int:
        """Number of frames."""
        return round(self.seconds * self.fps)


class CorridorSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the empty corridor comes from."""

    clip: str
    crop_x: tuple[int, int]


class Walkers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of real footage; what its people's faces say is not known."""

    clip: str
    from_s: float
    to_s: float
    fade_s: float
    frames_per_s: float
    people: dict[str, list[tuple[int, float, float, float]]]
    turned: list[str] = []
    """People who hold their head tilted or turned: a frontal detector finds them now and then."""

    def source_frame(self, t: float) -> float:
        """Return the (fractional) source frame shown at `t`; the last one holds."""
        last = max(key[-1][0] for key in self.people.values())
        return min(max(0.0, (t - self.from_s) * self.frames_per_s), float(last))

    def opacity(self, t: float) -> float:
        """Return how much of the footage shows at `t`: 0 to 1."""
        return min(max(0.0, min(t - self.from_s, self.to_s - t) / self.fade_s), 1.0)

    def box(self, person: str, t: float) -> Box | None:
        """Return a person's face box at `t`, or nothing while it fades."""
        if self.opacity(t) < 1.0:
            return None
        keys = self.people[person]
        frame = self.source_frame(t)
        for before, after in itertools.pairwise(keys):
            if before[0] <= frame <= after[0]:
                share = (frame - before[0]) / (after[0] - before[0])
                x, y, side = (a + share * (b - a) for a, b in zip(before[1:], after[1:], strict=True))
                return (x, y, side, side)
        return None


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How and when somebody comes or goes."""

    from_s: float
    to_s: float
    how: Literal["walk_up", "left", "right"]


class Expression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A face holds one expression from `from_s` to `to_s`; between two of them it changes."""

    emotion: str
    from_s: float
    to_s: float


class Pose(msgspec.Struct, frozen=True):
    """Where a head is: midpoint of the eyes and eye distance in pixels, roll in degrees, opacity 0 to 1."""

    x: float
    y: float
    eye_distance: float
    roll_deg: float
    opacity: float

    def box(self) -> Box:
        """Return the face box, brows to chin, as a Haar cascade would draw it."""
        side = BOX_SIDE * self.eye_distance
        return (self.x - side / 2, self.y - BOX_ABOVE_EYES * self.eye_distance, side, side)


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody near, made from one portrait (or from an average of many)."""

    name: str
    portrait: str
    x: float
    eye_y: float
    eye_distance: float
    enter: Move
    leave: Move
    shirt: str
    expressions: list[Expression]

    def pose(self, t: float, clip: ClipSpec) -> Pose | None:
        """Return where the head is at `t`, or nothing when the person is not there."""
        if not self.enter.from_s <= t < self.leave.to_s:
            return None
        phase = 2.0 * math.pi * ((self.x + clip.seed) % 7) / 7.0
        size = self.eye_distance / 70.0
        slow, fast = (2.0 * math.pi * t / period + phase for period in SWAY_PERIOD_S)
        x = self.x + SWAY_PX[0] * size * math.sin(slow)
        y = self.eye_y + SWAY_PX[1] * size * math.sin(fast)
        eye = self.eye_distance * (1.0 + SWAY_SCALE * math.sin(slow + 1.0))
        roll = SWAY_ROLL_DEG * math.sin(fast + 2.0)
        opacity = 1.0
        for move, away in ((self.enter, t < self.enter.to_s), (self.leave, t > self.leave.from_s)):
            if not away:
                continue
            share = (t - move.from_s) / (move.to_s - move.from_s)
            near = share if move is self.enter else 1.0 - share
            near = 1.0 - (1.0 - near) ** 2
            y += BOB_PX * size * (1.0 - near) * abs(math.sin(math.pi * t / STEP_S))
            if move.how == "walk_up":
                eye *= FAR_SCALE + (1.0 - FAR_SCALE) * near
                x += (clip.width / 2 - self.x) * (1.0 - near)
                far_t = self.enter.from_s if move is self.enter else self.leave.to_s
                opacity = min(1.0, abs(t - far_t) / FADE_S)
            else:
                # A bust is 6.4 eye distances wide.
                outside = -3.3 * eye if move.how == "left" else clip.width + 3.3 * eye
                x += (outside - x) * (1.0 - near)
        return Pose(x, y, eye, roll, opacity)

    def weights(self, t: float) -> dict[str, float]:
        """Return the share of each expression at `t`; they sum to 1. Before the first one the face is neutral."""
        shown = self.expressions
        if not shown or shown[0].emotion == "neutral" or t >= shown[0].from_s:
            keys = list(shown)
        else:
            keys = [Expression("neutral", self.enter.from_s, shown[0].from_s - 0.5), *shown]
        for now, after in itertools.pairwise(keys):
            if t <= now.to_s:
                return {now.emotion: 1.0}
            if t < after.from_s:
                share = (t - now.to_s) / (after.from_s - now.to_s)
                share = share * share * (3.0 - 2.0 * share)
                return {now.emotion: 1.0 - share, after.emotion: share}
        return {keys[-1].emotion if keys else "neutral": 1.0}


class AverageSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which portraits make the average head."""

    portraits: list[str]


class SurpriseSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the average head is surprised; lengths in 1/80 of its eye distance."""

    votes: int
    mouth: float
    chin: float
    neck: float
    mouth_half_width: float
    mouth_gap: float
    lip_rise: float
    jaw_drop: float
    jaw_half_width: float
    mouth_narrow: float
    brow_rise: float
    eye_open: float
    eye_average: float


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole clip."""

    clip: ClipSpec
    corridor: CorridorSpec
    walkers: list[Walkers]
    people: list[Person]
    average: AverageSpec
    surprise: SurpriseSpec


def load(path: Path) -> Script:
    """Read a script; `msgspec.ValidationError` names the key that does not fit."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Script)


def _whole(box: Box, clip: ClipSpec) -> bool:
    x, y, width, height = box
    return x >= 0 and y >= 0 and x + width <= clip.width and y + height <= clip.height


def truth(script: Script) -> dict[str, Any]:
    """Return what is in the clip: frames, people, boxes of faces that are wholly in view, expressions."""
    clip = script.clip
    steps = [round(i * clip.truth_step_s, 3) for i in range(int(clip.seconds / clip.truth_step_s))]
    people: list[dict[str, Any]] = []
    for walkers in script.walkers:
        for name in walkers.people:
            boxes = [(t, walkers.box(name, t)) for t in steps]
            people.append(_entry(walkers, name, boxes, clip))
    for person in script.people:
        poses = [(t, person.pose(t, clip)) for t in steps]
        boxes = [(t, p.box() if p and p.opacity == 1.0 else None) for t, p in poses]
        people.append(_entry(person, person.name, boxes, clip))
    people.sort(key=lambda entry: entry["from_s"])
    return {
        "fps": clip.fps,
        "frames": clip.frames,
        "width": clip.width,
        "height": clip.height,
        "nobody": _nobody(people, clip.seconds),
        "people": people,
    }


def _entry(
    who: Walkers | Person, name: str, boxes: list[tuple[float, Box | None]], clip: ClipSpec
) -> dict[str, Any]:
    whole = [[t, *(round(v) for v in box)] for t, box in boxes if box is not None and _whole(box, clip)]
    entry: dict[str, Any] = {"person": name, "frontal": True, "expressions": None, "boxes": whole}
    if isinstance(who, Walkers):
        return entry | {"from_s": who.from_s, "to_s": who.to_s, "frontal": name not in who.turned}
    said = [{"from_s": e.from_s, "to_s": e.to_s, "emotion": e.emotion} for e in who.expressions]
    return entry | {"from_s": who.enter.from_s, "to_s": who.leave.to_s, "expressions": said}


def _nobody(people: list[dict[str, Any]], seconds: float) -> list[list[float]]:
    gaps, now = [], 0.0
    for entry in people:
        if entry["from_s"] > now:
            gaps.append([now, entry["from_s"]])
        now = max(now, entry["to_s"])
    return [*gaps, [now, seconds]]
