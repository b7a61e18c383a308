from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.ids import uuid7
from edge.person import People
from edge.settings import PersonSettings
from edge.types import Face, Reading

LABELS = ("neutral", "happy", "sad")
STEP_S = 0.2


class Scene:
    """Drives People by hand: one call is one frame."""

    def __init__(self, **changes):
        self.clock = ManualClock(datetime(2026, 5, 1, 12, tzinfo=UTC))
        self.people = People(
            PersonSettings(**changes), view="ferplus", labels=LABELS, uncertain_below=0.5, device="d",
            boot_id="b", new_id=lambda: uuid7(self.clock.now().utc),
        )  # fmt: skip
        self.events = []

    def frame(self, **shown):
        now = self.clock.advance(STEP_S)
        faces = [Face((0, 0, 50, 50), 1.0, face_id) for face_id in shown]
        readings = [
            Reading(face_id, "ferplus", LABELS, np.array(p, np.float32), now.monotonic_s)
            for face_id, p in shown.items()
            if p is not None
        ]
        found = self.people.update(faces, readings, now)
        self.events += found
        return found

    def frames(self, count, **shown):
        return [event for _ in range(count) for event in self.frame(**shown)]


HAPPY, SAD, NEUTRAL, UNSURE = (0.1, 0.9, 0.0), (0.1, 0.0, 0.9), (0.9, 0.05, 0.05), (0.4, 0.3, 0.3)


def test_a_life_is_new_update_end():
    scene = Scene()
    scene.frames(10, a=NEUTRAL)
    scene.frames(20, a=HAPPY)
    scene.frame()
    kinds = [(event.type, event.emotion, event.seq) for event in scene.events]
    assert kinds == [("new", "neutral", 0), ("update", "happy", 1), ("end", "happy", 2)]
    new, update, end = scene.events
    assert len({event.id for event in scene.events}) == 3
    assert new.start_ts == update.start_ts == end.start_ts == "2026-05-01T12:00:00.200Z"
    assert (new.end_ts, update.end_ts, end.end_ts) == (None, None, end.ts)
    assert end.reason == "left"
    assert sum(end.probabilities.values()) == pytest.approx(1, abs=0.01)


def test_new_waits_until_the_expression_is_stable():
    scene = Scene(hold_s=1.0)
    assert scene.frames(5, a=HAPPY) == []
    (new,) = scene.frame(a=HAPPY)
    assert (new.type, new.ts) == ("new", "2026-05-01T12:00:01.200Z")


def test_a_face_that_leaves_before_it_is_stable_was_never_there():
    scene = Scene()
    scene.frames(2, a=HAPPY)
    scene.frames(3)
    assert scene.events == []


def test_one_odd_frame_changes_nothing():
    scene = Scene()
    scene.frames(10, a=NEUTRAL)
    scene.frame(a=SAD)
    scene.frames(10, a=NEUTRAL)
    assert [event.type for event in scene.events] == ["new"]


def test_a_lead_below_the_margin_changes_nothing():
    scene = Scene(margin=0.2)
    scene.frames(10, a=(0.6, 0.4, 0.0))
    scene.frames(50, a=(0.42, 0.58, 0.0))
    assert [event.type for event in scene.events] == ["new"]
    scene.frames(20, a=(0.3, 0.7, 0.0))
    assert [event.emotion for event in scene.events] == ["neutral", "happy"]


def test_below_the_threshold_it_is_uncertain_with_the_best_probability():
    scene = Scene()
    (new,) = scene.frames(10, a=UNSURE)
    assert (new.emotion, new.confidence) == ("uncertain", pytest.approx(0.4, abs=1e-3))


def test_the_settings_threshold_wins_over_the_model_s():
    scene = Scene(uncertain_below=0.2)
    (new,) = scene.frames(10, a=UNSURE)
    assert new.emotion == "neutral"


def test_a_frame_without_a_reading_keeps_the_life():
    scene = Scene()
    scene.frames(10, a=NEUTRAL)
    scene.frames(10, a=None)
    assert [event.type for event in scene.events] == ["new"]


@pytest.mark.parametrize("reason", ["camera", "paused", "stopped"])
def test_end_all_ends_each_announced_life_once(reason):
    scene = Scene()
    scene.frames(10, a=NEUTRAL, b=HAPPY)
    scene.frame(a=NEUTRAL, b=HAPPY, c=SAD)
    ended = scene.people.end_all(scene.clock.now(), reason)
    assert [(event.type, event.face_id, event.reason) for event in ended] == [
        ("end", "a", reason),
        ("end", "b", reason),
    ]
    assert scene.people.end_all(scene.clock.now(), reason) == []


def test_the_mood_is_what_most_faces_show():
    scene = Scene()
    assert (scene.people.mood().faces, scene.people.mood().emotion) == (0, "none")
    scene.frames(10, a=NEUTRAL, b=HAPPY, c=HAPPY)
    mood = scene.people.mood()
    assert (mood.faces, mood.emotion, mood.confidence) == (3, "happy", pytest.approx(0.9, abs=1e-3))


def test_an_unset_clock_is_said():
    scene = Scene()
    scene.clock.synced = False
    (new,) = scene.frames(10, a=NEUTRAL)
    assert new.clock == "unsynced"


def test_smoothing_is_by_time_not_by_count():
    slow, fast = Scene(), Scene()
    slow.frame(a=NEUTRAL)
    fast.frame(a=NEUTRAL)
    now = slow.clock.advance(0.8)
    slow.people.update(
        [Face((0, 0, 9, 9), 1, "a")], [Reading("a", "v", LABELS, np.float32(HAPPY), now.monotonic_s)], now
    )
    fast.frames(4, a=HAPPY)
    life = "_lives"
    np.testing.assert_allclose(
        getattr(slow.people, life)["a"].smoothed, getattr(fast.people, life)["a"].smoothed, atol=1e-5
    )


PROBABILITIES = st.sampled_from([HAPPY, SAD, NEUTRAL, UNSURE, None])
FRAMES = st.lists(st.dictionaries(st.sampled_from("abcd"), PROBABILITIES, max_size=4), max_size=60)


@settings(max_examples=200, deadline=None)
@given(FRAMES, st.sampled_from([0.0, 0.3, 1.0]))
def test_each_new_has_one_end_and_the_numbers_have_no_gap(frames, hold_s):
    scene = Scene(hold_s=hold_s)
    for shown in frames:
        scene.frame(**shown)
    scene.events += scene.people.end_all(scene.clock.now(), "stopped")
    lives: dict[str, list] = {}
    for event in scene.events:
        life = lives.setdefault(event.face_id, [])
        # The finder never gives an id twice; this test does, so a life starts again after its end.
        if event.type == "new":
            assert not life or life[-1].type == "end"
            life.clear()
        assert event.seq == len(life)
        life.append(event)
    for life in lives.values():
        assert [life[0].type, life[-1].type] == ["new", "end"]
        assert all(event.type == "update" for event in life[1:-1])
        assert all(one.emotion != two.emotion for one, two in pairwise(life[:-1]))
