"""edge/source_cycle.py: stall, loss, back-off, recovery and pace, with time driven by hand."""

from __future__ import annotations

import itertools
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.errors import SourceError
from edge.settings import SourceSettings
from edge.source import SourceState
from edge.source_cycle import CHANGED_SHOWN_S, SourceCycle
from edge.types import Frame
from hardware.fake import FakeCamera, Trouble


class FakeFile:
    """A file of a few frames at 10 a second."""

    live = False
    name = "clip"

    def __init__(self, clock, count, fails_at=None):
        self.clock, self.count, self.fails_at, self.index = clock, count, fails_at, 0
        self.start_s = clock.now().monotonic_s
        self.closed = 0

    def read(self):
        if self.index == self.fails_at:
            raise SourceError("clip cannot be read on")
        if self.index == self.count:
            return None
        at_s = self.start_s + self.index / 10
        frame = Frame(gray=np.zeros((4, 4), np.uint8), index=self.index, at_s=at_s)
        self.index += 1
        return frame

    def close(self):
        self.closed += 1


def camera_cycle(*script, **options):
    clock = ManualClock()
    camera = FakeCamera(clock, script)
    return clock, camera, SourceCycle(SourceSettings(**options), clock, camera.open, live=True)


def run_until(cycle, clock, at_s):
    frames, states = [], []
    while clock.now().monotonic_s < at_s:
        frame = cycle.step()
        if frame is not None:
            frames.append(frame)
        if not states or states[-1] != cycle.status.state:
            states.append(cycle.status.state)
    return frames, states


def test_a_camera_plays():
    clock, _, cycle = camera_cycle()
    assert cycle.status.state is SourceState.OPENING
    frames, states = run_until(cycle, clock, 2)
    assert len(frames) == 20
    assert [f.index for f in frames] == list(range(20))
    assert states == [SourceState.OPENING, SourceState.PLAYING]
    assert cycle.status.detail == "fake, 64 x 48 pixels"
    assert cycle.size == (64, 48)


def test_a_stalled_camera_is_named_and_comes_back():
    clock, camera, cycle = camera_cycle(Trouble("stall", 2, 20))
    frames, states = run_until(cycle, clock, 40)
    assert states == [SourceState.OPENING, SourceState.PLAYING, SourceState.STALLED, SourceState.PLAYING]
    assert [f.index for f in frames] == list(range(len(frames)))  # Counts on over the re-opening.
    assert max(b.at_s - a.at_s for a, b in itertools.pairwise(frames)) == pytest.approx(18, abs=8)
    assert camera.opened > 1


def test_an_unplugged_camera_is_gone_and_comes_back_where_it_stopped():
    clock, camera, cycle = camera_cycle(Trouble("gone", 2, 9))
    frames, states = run_until(cycle, clock, 15)
    assert states == [SourceState.OPENING, SourceState.PLAYING, SourceState.GONE, SourceState.PLAYING]
    assert [f.index for f in frames] == list(range(len(frames)))
    assert camera.opened == 2


def test_a_camera_that_is_missing_at_the_start_is_awaited():
    clock, _, cycle = camera_cycle(Trouble("gone", 0, 100))
    frames, states = run_until(cycle, clock, 200)
    assert states == [SourceState.GONE, SourceState.PLAYING]
    assert frames[0].index == 0


def test_pauses_double_up_to_the_longest():
    clock, camera, cycle = camera_cycle(Trouble("gone", 0), reopen_min_s=0.5, reopen_max_s=6)
    run_until(cycle, clock, 40)
    pauses = np.diff(camera.tries)
    assert pauses[:8] == pytest.approx([0.5, 1, 2, 4, 6, 6, 6, 6])


def test_pauses_start_anew_once_frames_have_come_for_a_while():
    clock, camera, cycle = camera_cycle(Trouble("gone", 0, 10), Trouble("gone", 30, 40))
    run_until(cycle, clock, 60)
    second = [at for at in camera.tries if at >= 30]
    assert second[1] - second[0] == pytest.approx(1.0)
    assert second[0] - 30 < 0.7


def test_a_camera_that_comes_and_goes_is_not_opened_every_moment():
    flapping = [Trouble("gone", at + 0.3, at + 0.4) for at in np.arange(0, 300, 0.4)]
    clock, camera, cycle = camera_cycle(*flapping)
    run_until(cycle, clock, 300)
    assert len(camera.tries) < 40


def test_a_changed_size_is_shown_for_a_while_and_the_camera_plays_on(caplog):
    clock, camera, cycle = camera_cycle(Trouble("size", 2, size=(32, 24)))
    frames, states = run_until(cycle, clock, 3 + CHANGED_SHOWN_S)
    assert states == [SourceState.OPENING, SourceState.PLAYING, SourceState.CHANGED, SourceState.PLAYING]
    assert {f.gray.shape for f in frames} == {(48, 64), (24, 32)}
    assert camera.opened == 1
    assert cycle.size == (32, 24)


def test_a_size_that_changes_over_a_re_opening_is_named_too():
    clock, _, cycle = camera_cycle(Trouble("gone", 2, 4), Trouble("size", 3, size=(32, 24)))
    _, states = run_until(cycle, clock, 10)
    assert states[-1] is SourceState.CHANGED
    assert cycle.status.detail == "fake changed from 64 x 48 to 32 x 24 pixels"


def test_an_outage_is_not_told_again_and_again(caplog):
    clock, _, cycle = camera_cycle(Trouble("gone", 2, 500))
    with caplog.at_level(logging.INFO):
        run_until(cycle, clock, 560)
    assert len(caplog.records) <= 3
    assert "frames again, after" in caplog.text


def test_an_unexpected_error_of_a_library_is_an_outage_and_not_the_end(caplog):
    clock = ManualClock()
    camera = FakeCamera(clock)
    errors = [RuntimeError("libcamera"), ValueError("numpy")]

    def opener():
        if errors:
            raise errors.pop()
        return camera.open()

    cycle = SourceCycle(SourceSettings(), clock, opener, live=True)
    frames, _ = run_until(cycle, clock, 5)
    assert frames
    assert caplog.text.count("Traceback") == 2


def test_a_live_source_that_ends_is_gone():
    clock, camera, cycle = camera_cycle()
    cycle.step()
    cycle._source.read = lambda: None
    cycle.step()
    assert cycle.status.state is SourceState.GONE
    assert not cycle.over
    assert run_until(cycle, clock, 5)[0]
    assert camera.opened == 2


def test_a_file_plays_at_its_own_speed_and_ends_cleanly():
    clock = ManualClock()
    file = FakeFile(clock, 30)
    cycle = SourceCycle(SourceSettings(), clock, lambda: file, live=False)
    times = []
    while not cycle.over:
        if cycle.step() is not None:
            times.append(clock.now().monotonic_s)
    assert times == pytest.approx([i / 10 for i in range(30)])
    assert cycle.status.state is SourceState.ENDED
    assert file.closed == 1


def test_a_file_that_fails_on_the_way_is_failed_and_says_why():
    clock = ManualClock()
    cycle = SourceCycle(SourceSettings(), clock, lambda: FakeFile(clock, 9, fails_at=4), live=False)
    count = 0
    while not cycle.over:
        count += cycle.step() is not None
    assert count == 4
    assert cycle.status.state is SourceState.FAILED
    assert cycle.status.detail == "clip cannot be read on"


@pytest.mark.parametrize(("late_s", "next_at_s"), [(0.8, 1.0), (7.0, 7.9)])
def test_a_file_catches_up_a_little_but_goes_on_from_now_when_far_behind(late_s, next_at_s):
    clock, frames = ManualClock(), []
    file = FakeFile(clock, 40)
    cycle = SourceCycle(SourceSettings(), clock, lambda: file, live=False)
    while not cycle.over:
        frame = cycle.step()
        if frame is not None:
            frames.append(frame.at_s)
            if frame.index == 9:
                clock.advance(late_s)
    assert frames[10] == pytest.approx(next_at_s)
    assert np.diff(frames[10:]) == pytest.approx(0.1)


def test_a_stop_during_a_long_pause_is_noticed():
    clock, _, cycle = camera_cycle(Trouble("gone", 0))
    cycle.stop.set()
    cycle.step()
    assert clock.now().monotonic_s == 0


def test_a_successor_counts_on_after_a_hang():
    clock, camera, cycle = camera_cycle()
    frames, _ = run_until(cycle, clock, 2)
    heir = cycle.successor("hangs")
    assert heir.status.state is SourceState.STALLED
    more, states = run_until(heir, clock, 4)
    assert more[0].index == frames[-1].index + 1
    assert states == [SourceState.STALLED, SourceState.PLAYING]
    assert camera.opened == 2


troubles = st.builds(
    lambda kind, at, lasts: Trouble(kind, at, at + lasts, (20, 10) if kind == "size" else (0, 0)),
    st.sampled_from(["stall", "gone", "size"]),
    st.floats(0, 60),
    st.floats(0.01, 30),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(troubles, max_size=6))
def test_whatever_happens_frames_count_up_and_the_camera_comes_back(script):
    clock, _, cycle = camera_cycle(*script)
    frames, _ = run_until(cycle, clock, 160)
    indices = [f.index for f in frames]
    assert indices == sorted(set(indices))
    times = [f.at_s for f in frames]
    assert times == sorted(times)
    assert cycle.status.state is SourceState.PLAYING
    assert times[-1] > 159
