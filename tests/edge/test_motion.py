from __future__ import annotations

import numpy as np

from edge.motion import MotionGate


def scene(level=100, at=None):
    gray = np.full((480, 640), level, np.uint8)
    if at is not None:
        x, y, side = at
        gray[y : y + side, x : x + side] = 220
    return gray


def test_the_first_frame_counts_as_motion():
    assert MotionGate(1.5).moved(scene())


def test_camera_noise_is_no_motion():
    gate, random = MotionGate(1.5), np.random.default_rng(0)
    noisy = [np.clip(scene() + random.normal(0, 6, (480, 640)), 0, 255).astype(np.uint8) for _ in range(5)]
    gate.moved(noisy[0])
    gate.searched()
    assert not any(gate.moved(frame) for frame in noisy[1:])


def test_someone_who_comes_in_is_motion():
    gate = MotionGate(1.5)
    gate.moved(scene())
    gate.searched()
    assert gate.moved(scene(at=(300, 200, 100)))


def test_slow_change_adds_up_until_it_is_searched():
    gate = MotionGate(1.5)
    gate.moved(scene(100))
    gate.searched()
    assert not gate.moved(scene(101))
    assert gate.moved(scene(102))


def test_a_known_face_s_own_motion_does_not_count():
    gate = MotionGate(1.5)
    gate.moved(scene(at=(300, 200, 100)))
    gate.searched()
    moved = scene(at=(310, 205, 100))
    assert not gate.moved(moved, [(300, 200, 100, 100)])


def test_a_box_over_the_border_or_beyond_is_no_error():
    gate = MotionGate(1.5)
    gate.moved(scene())
    gate.searched()
    for box in ((-500, -500, 100, 100), (600, 400, 300, 300), (0, 0, 640, 480)):
        assert not gate.moved(scene(), [box])


def test_zero_levels_mean_no_gate():
    gate = MotionGate(0)
    gate.moved(scene())
    gate.searched()
    assert gate.moved(scene())
