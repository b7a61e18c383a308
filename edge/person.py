"""From single readings to lives: smoothing, hysteresis, `uncertain`, and each face's new, update and end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.labels import NOBODY, UNCERTAIN
from edge.settings import PersonSettings
from edge.types import EndReason, Event, EventType, Face, Moment, Probabilities, Reading

PROBABILITY_DIGITS = 4


@dataclass(slots=True)
class _Life:
    """One face's stay."""

    smoothed: Probabilities
    at_s: float
    start: Moment
    candidate: str
    candidate_since_s: float
    stable: str = ""
    seq: int = 0
    start_ts: str = field(default="")


@dataclass(frozen=True, slots=True)
class Mood:
    """What all faces in view show together."""

    faces: int
    emotion: str
    confidence: float


class People:
    """Keeps one smoothed reading for each face and says when a stable expression begins, changes and ends.

    Parameters
    ----------
    settings: see `PersonSettings`.
    view, labels: the words, in the order of a reading's probabilities.
    uncertain_below: the model's calibrated threshold; the settings may override it.
    device, boot_id: put into every event.
    new_id: makes an event id that is never used again.
    """

    def __init__(
        self,
        settings: PersonSettings,
        *,
        view: str,
        labels: Sequence[str],
        uncertain_below: float,
        device: str,
        boot_id: str,
        new_id: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._view = view
        self._labels = tuple(labels)
        own = settings.uncertain_below
        self._threshold = uncertain_below if own < 0 else own
        self._device = device
        self._boot_id = boot_id
        self._new_id = new_id
        self._lives: dict[str, _Life] = {}

    def update(self, faces: Iterable[Face], readings: Iterable[Reading], now: Moment) -> list[Event]:
        """Take in one frame: who is there, and what was read of some of them.

        Returns
        -------
        The changes, in order: lives that ended, then those that began or changed.
        """
        present = {face.face_id for face in faces}
        events = [self._end(face_id, now, "left") for face_id in list(self._lives) if face_id not in present]
        changed = [self._read(reading, now) for reading in readings if reading.face_id in present]
        return [event for event in (*events, *changed) if event is not None]

    def end_all(self, now: Moment, reason: EndReason) -> list[Event]:
        """End every life: the camera went, someone pressed pause, or the daemon stops."""
        ended = [self._end(face_id, now, reason) for face_id in list(self._lives)]
        return [event for event in ended if event is not None]

    def mood(self) -> Mood:
        """Return how many faces have a stable expression, the one that most of them show, and its confidence."""
        stable = [life for life in self._lives.values() if life.stable]
        if not stable:
            return Mood(0, NOBODY, 0.0)
        counts = Counter(life.stable for life in stable)
        most = max(counts.values())
        scores = {
            name: float(np.mean([self._confidence(life) for life in stable if life.stable == name]))
            for name, count in counts.items()
            if count == most
        }
        emotion = max(scores, key=scores.__getitem__)
        return Mood(len(stable), emotion, round(scores[emotion], PROBABILITY_DIGITS))

    def _read(self, reading: Reading, now: Moment) -> Event | None:
        life = self._lives.get(reading.face_id)
        if life is None:
            first = self._candidate(reading.probabilities, "")
            self._lives[reading.face_id] = _Life(
                reading.probabilities, reading.at_s, now, first, reading.at_s
            )
            return None
        # Exponential smoothing by time, not by count: a slow device smooths over the same seconds.
        weight = 1.0 - math.exp(-max(0.0, reading.at_s - life.at_s) / self._settings.smoothing_s)
        life.smoothed = np.asarray(
            life.smoothed + np.float32(weight) * (reading.probabilities - life.smoothed), np.float32
        )
        life.at_s = reading.at_s
        candidate = self._candidate(life.smoothed, life.stable)
        if candidate != life.candidate:
            life.candidate, life.candidate_since_s = candidate, reading.at_s
        held_s = reading.at_s - life.candidate_since_s
        if candidate == life.stable or held_s < self._settings.hold_s:
            return None
        first_time = not life.stable
        life.stable = candidate
        if first_time:
            life.start_ts = life.start.stamp
        return self._event(reading.face_id, life, "new" if first_time else "update", now)

    def _candidate(self, probabilities: Probabilities, stable: str) -> str:
        """Return the label these probabilities speak for, given what is believed now."""
        best = int(np.argmax(probabilities))
        top = float(probabilities[best])
        if top < self._threshold - (self._settings.margin / 2 if stable not in ("", UNCERTAIN) else 0.0):
            return UNCERTAIN
        if stable in self._labels and stable != self._labels[best]:
            lead = top - float(probabilities[self._labels.index(stable)])
            if lead < self._settings.margin:
                return stable
        return self._labels[best]

    def _confidence(self, life: _Life) -> float:
        if life.stable in self._labels:
            return float(life.smoothed[self._labels.index(life.stable)])
        return float(life.smoothed.max())

    def _end(self, face_id: str, now: Moment, reason: EndReason) -> Event | None:
        life = self._lives.pop(face_id)
        # A face that left before its expression was stable was never announced: it needs no end.
        return self._event(face_id, life, "end", now, reason) if life.stable else None

    def _event(
        self, face_id: str, life: _Life, kind: EventType, now: Moment, reason: EndReason | None = None
    ) -> Event:
        seq, life.seq = life.seq, life.seq + 1
        fields = {} if reason is None else {"reason": reason}
        if not now.synced:
            fields["clock"] = "unsynced"  # type: ignore[assignment]
        return Event(
            id=self._new_id(),
            type=kind,
            face_id=face_id,
            seq=seq,
            emotion=life.stable,
            confidence=round(self._confidence(life), PROBABILITY_DIGITS),
            probabilities={
                name: round(float(value), PROBABILITY_DIGITS)
                for name, value in zip(self._labels, life.smoothed, strict=True)
            },
            start_ts=life.start_ts,
            ts=now.stamp,
            end_ts=now.stamp if kind == "end" else None,
            device=self._device,
            boot_id=self._boot_id,
            view=self._view,
            **fields,  # type: ignore[arg-type]
        )
