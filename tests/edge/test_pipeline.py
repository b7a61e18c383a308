"""The stages together on the bundled clip, as fast as they can, against what the clip's own script says is in it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass

import msgspec
import pytest

from edge.apps.clip import bundled_clip
from edge.clock import ManualClock
from edge.pipeline import Pipeline
from edge.settings import Settings
from edge.source import open_source
from edge.types import Event

LEAST_SHARE_READ_RIGHT = 0.6
"""Of the time that a scripted expression lasts. The rest is arrival, smoothing and hysteresis."""
SETTLE_S = 1.6
"""Time that a face needs to be confirmed, smoothed and held."""


class Kept:
    """An event store that remembers."""

    def __init__(self):
        self.events: list[Event] = []

    def put(self, event, now):
        self.events.append(event)


@dataclass
class Played:
    events: list[Event]
    times: dict[str, float]  # event id -> clip time
    places: dict[str, list[tuple[float, tuple]]]  # face_id -> (clip time, box)
    empty_faces: int


@pytest.fixture(scope="module")
def truth():
    return json.loads(bundled_clip().with_name("demo.truth.json").read_text())


def play(settings: Settings, truth) -> Played:
    clock, store = ManualClock(), Kept()
    settings = msgspec.structs.replace(
        settings, source=msgspec.structs.replace(settings.source, uri=str(bundled_clip()))
    )
    source = open_source(settings.source, clock)
    pipeline = Pipeline(settings, store, clock, "boot")
    times, places, empty, start_s, last_s = {}, defaultdict(list), 0, None, 0.0
    while (frame := source.read()) is not None:
        start_s = frame.at_s if start_s is None else start_s
        now_s = frame.at_s - start_s
        clock.advance(now_s - last_s)
        last_s = now_s
        step = pipeline.step(frame)
        times |= {event.id: now_s for event in step.events}
        for face in step.faces:
            places[face.face_id].append((now_s, face.box))
        if not any(p["from_s"] - 0.2 <= now_s <= p["to_s"] + 1.2 for p in truth["people"]):
            empty += len(step.faces)
    times |= {event.id: last_s for event in pipeline.end_all("stopped")}
    source.close()
    return Played(store.events, times, places, empty)


@pytest.fixture(scope="module")
def played(truth):
    return play(Settings(), truth)


def box_at(person, now_s):
    samples = [box for box in person["boxes"] if abs(box[0] - now_s) <= 0.15]
    return samples[0][1:] if samples else None


def same_place(one, two):
    return (
        abs(one[0] + one[2] / 2 - two[0] - two[2] / 2) < 0.4 * max(one[2], two[2])
        and abs(one[1] + one[3] / 2 - two[1] - two[3] / 2) < 0.4 * max(one[2], two[2])
    )  # fmt: skip


def faces_of(person, played):
    """Return the ids of the tracked faces that were mostly where the script has this person."""
    found = []
    for face_id, places in played.places.items():
        checked = [same_place(box_at(person, t), box) for t, box in places if box_at(person, t) is not None]
        if checked and sum(checked) > 0.6 * len(places):
            found.append(face_id)
    return found


def expression_at(face_ids, played, now_s):
    """Return the stable expression of whichever of these faces is alive at that time."""
    said = None
    for event in played.events:
        if event.face_id in face_ids and played.times[event.id] <= now_s:
            said = None if event.type == "end" else event.emotion
    return said


def test_everyone_in_the_script_is_seen_as_one_face(played, truth):
    for person in truth["people"]:
        ids = [i for i in faces_of(person, played) if any(e.face_id == i for e in played.events)]
        assert len(ids) == 1, f"{person['person']}: {ids}"


def test_nobody_is_seen_where_nobody_is(played):
    assert played.empty_faces == 0


def test_each_new_has_one_end(played):
    lives = defaultdict(list)
    for event in played.events:
        lives[event.face_id].append(event)
    for life in lives.values():
        assert [event.seq for event in life] == list(range(len(life)))
        assert [life[0].type, life[-1].type] == ["new", "end"]
        assert all(event.type == "update" for event in life[1:-1])


def test_each_scripted_expression_is_read(played, truth):
    emotions = set()
    for person in truth["people"]:
        ids = faces_of(person, played)
        for part in person["expressions"] or []:
            times = [part["from_s"] + SETTLE_S + i * 0.1 for i in range(100)]
            times = [t for t in times if t < part["to_s"]]
            right = [expression_at(ids, played, t) == part["emotion"] for t in times]
            seen = {expression_at(ids, played, t) for t in times}
            share = sum(right) / len(right)
            assert share >= LEAST_SHARE_READ_RIGHT, f"{person['person']} {part}: {share:.2f}, said {seen}"
            emotions.add(part["emotion"])
    assert {"neutral", "happy"} < emotions


def test_the_same_clip_gives_the_same_events(played, truth):
    def told(events):
        return [(e.type, e.seq, e.emotion, e.confidence, e.ts) for e in events]

    assert told(play(Settings(), truth).events) == told(played.events)


def test_the_view_names_the_words(truth):
    from edge.settings_file import load_settings

    events = play(load_settings(overrides=[("emotion.view", "happy")]), truth).events
    assert {event.view for event in events} == {"happy"}
    assert {event.emotion for event in events} <= {"happy", "not_happy", "uncertain"}
    assert {event.emotion for event in events} >= {"happy", "not_happy"}
