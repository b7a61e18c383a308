"""hardware/fake.py: the camera that tests rely on does what its script says."""

from __future__ import annotations

import numpy as np
import pytest

from edge.clock import ManualClock
from edge.errors import SourceError
from hardware.fake import FakeCamera, Trouble, gradient


def test_frames_come_at_the_rate_asked_for():
    clock = ManualClock()
    source = FakeCamera(clock, fps=4).open()
    assert [source.read().at_s for _ in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_the_script_is_followed():
    clock = ManualClock()
    camera = FakeCamera(
        clock,
        [
            Trouble("gone", 1, 2),
            Trouble("stall", 3, 4),
            Trouble("size", 5, 6, (10, 8)),
            Trouble("hang", 7, 9),
        ],
    )
    source = camera.open()
    clock.advance(1)
    with pytest.raises(SourceError, match="unplugged"):
        source.read()
    with pytest.raises(SourceError, match="no camera"):
        camera.open()
    clock.advance(1.9)
    source = camera.open()
    with pytest.raises(SourceError, match="no frame for 5 s"):
        source.read()
    camera = FakeCamera(clock, [Trouble("size", 0, 1, (10, 8)), Trouble("hang", 2, 9)], keep_colour=True)
    source = camera.open()
    assert source.read().gray.shape == (8, 10)
    clock.advance(1)
    assert source.read().colour.shape == (48, 64, 3)
    clock.advance(1)
    source.read()
    assert camera.now_s == pytest.approx(9)


def test_its_picture_moves_and_can_be_chosen():
    assert gradient(0, (64, 48)).dtype == np.uint8
    assert not np.array_equal(gradient(0, (64, 48)), gradient(1, (64, 48)))
    chosen = FakeCamera(
        ManualClock(), picture=lambda index, size: np.full(size[::-1], index, np.uint8)
    ).open()
    assert [int(chosen.read().gray[0, 0]) for _ in range(3)] == [0, 1, 2]
