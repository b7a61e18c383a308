"""The map of the house: each stage is one call, in order, and only this module knows the order.

frame → finder → faces → classifier → readings → people → events → outbox → (publisher → broker)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.classifier import EmotionClassifier
from edge.clock import Clock, thread_cpu_s
from edge.finder import Finder
from edge.ids import uuid7
from edge.meter import Meter
from edge.person import Mood, People
from edge.settings import Settings
from edge.types import EndReason, Event, Face, Frame, Moment, Reading


class EventStore(Protocol):
    """Where events go so that they are not lost: the outbox."""

    def put(self, event: Event, now: Moment) -> None:
        """Keep the event until the broker has it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame brought."""

    faces: list[Face]
    readings: list[Reading]
    events: list[Event]


class Pipeline:
    """Takes frames, gives events to the outbox.

    Parameters
    ----------
    settings: all settings.
    store: gets every event before anyone else sees it.
    clock: makes time stamps and ids.
    boot_id: this run of the daemon.

    Raises
    ------
    BundleError, RuntimeMissingError, CascadeError
        The model, the TFLite runtime or the cascade cannot be used.
    """

    def __init__(self, settings: Settings, store: EventStore, clock: Clock, boot_id: str) -> None:
        self._clock = clock
        self._store = store
        self._view = settings.emotion.view
        self._interval_s = settings.emotion.interval_s
        self._read_at_s: dict[str, float] = {}
        self.meter = Meter(thread_cpu_s)
        self.finder = Finder(settings.finder, self._new_id)
        self.classifier = EmotionClassifier.load(
            settings.emotion.bundle or None, threads=settings.emotion.threads
        )
        self.people = People(
            settings.person,
            view=self._view,
            labels=self.classifier.labels(self._view),
            uncertain_below=self.classifier.uncertain_below(self._view),
            device=settings.device_id,
            boot_id=boot_id,
            new_id=self._new_id,
        )

    def step(self, frame: Frame) -> Step:
        """Take one frame through every stage."""
        now = self._clock.now()
        with self.meter.stage("frame"):
            with self.meter.stage("find"):
                faces = self.finder.find(frame)
            readings = []
            for face in self._due(faces, frame.at_s):
                with self.meter.stage("read"):
                    readings.append(self.classifier.read(frame, face, self._view))
            with self.meter.stage("person"):
                events = self.people.update(faces, readings, now)
            with self.meter.stage("store"):
                self._keep(events, now)
        return Step(faces, readings, events)

    def end_all(self, reason: EndReason) -> list[Event]:
        """End every face's life, because there will be no further frame for a while."""
        now = self._clock.now()
        events = self.people.end_all(now, reason)
        self._keep(events, now)
        return events

    def mood(self) -> Mood:
        """Return what the faces in view show together."""
        return self.people.mood()

    def _due(self, faces: list[Face], at_s: float) -> list[Face]:
        """Return the faces found in this frame and not read for `interval_s`."""
        known = {face.face_id for face in faces}
        self._read_at_s = {face_id: when for face_id, when in self._read_at_s.items() if face_id in known}
        due = [
            face
            for face in faces
            if face.seen and at_s - self._read_at_s.get(face.face_id, -1e9) >= self._interval_s * 0.99
        ]
        self._read_at_s.update((face.face_id, at_s) for face in due)
        return due

    def _keep(self, events: list[Event], now: Moment) -> None:
        for event in events:
            self._store.put(event, now)

    def _new_id(self) -> str:
        return uuid7(self._clock.now().utc)
