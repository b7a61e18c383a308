"""hardware/v4l2.py: the kernel's and OpenCV's answers. No test here needs a camera; none proves one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.clock import ManualClock
from edge.errors import SourceError
from hardware.v4l2 import _CAPABILITY, _QUERYCAP, Device, _not_opened, open_v4l2, query_device, video_devices

WEBCAM = Device("uvcvideo", "HD Webcam", captures=True)


class FileAsCamera:
    """A real `cv2.VideoCapture` on a real file, which remembers what the camera was asked for."""

    def __init__(self, path):
        self.capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self.asked = {}

    def set(self, key, value):
        self.asked[key] = value
        return True

    def __getattr__(self, name):
        return getattr(self.capture, name)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    for i in range(6):
        writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    writer.release()
    return path


def open_it(clip, clock=None, **options):
    camera = FileAsCamera(clip)
    source = open_v4l2(
        "/dev/video0",
        (640, 480),
        clock or ManualClock(),
        **{"interval_s": 0.0, "query": lambda _: WEBCAM, "capture": lambda _: camera, **options},
    )
    return source, camera


def test_a_camera_is_asked_for_motion_jpeg_the_size_and_no_queue(clip):
    source, camera = open_it(clip)
    assert camera.asked == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 640,
        cv2.CAP_PROP_FRAME_HEIGHT: 480,
        cv2.CAP_PROP_BUFFERSIZE: 1,
    }
    assert source.name == "/dev/video0 (HD Webcam)"
    assert source.live


def test_frames_come_until_the_camera_is_gone(clip):
    source, _ = open_it(clip, keep_colour=True)
    frames = [source.read() for _ in range(6)]
    assert [f.index for f in frames] == list(range(6))
    assert [round(float(f.gray.mean()) / 20) for f in frames] == list(range(6))
    assert frames[0].colour.shape == (48, 64, 3)
    with pytest.raises(SourceError, match="gives no picture"):
        source.read()
    source.close()
    source.close()


def test_frames_that_come_too_fast_are_not_decoded(clip):
    clock = ManualClock()

    class Ticking(ManualClock):
        def now(self):
            clock.advance(0.01)
            return clock.now()

    source, _ = open_it(clip, Ticking(), interval_s=0.025)
    first, second = source.read(), source.read()
    assert first.colour is None
    assert (first.index, second.index) == (0, 3)


class Shaky:
    """A capture of which the pictures in `damaged` cannot be decoded."""

    def __init__(self, damaged, shape=(4, 6, 3), dtype=np.uint8):
        self.damaged, self.count, self.pixels, self.released = damaged, -1, np.zeros(shape, dtype), False

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def set(self, *_):
        return False

    def grab(self):
        self.count += 1
        return True

    def retrieve(self):
        if self.count in self.damaged:
            raise cv2.error("damaged")
        return True, self.pixels

    def release(self):
        self.released = True


def test_a_damaged_picture_is_passed_over_but_not_for_ever():
    source = open_v4l2(
        "/dev/video0",
        (64, 48),
        ManualClock(),
        interval_s=0,
        query=lambda _: WEBCAM,
        capture=lambda _: Shaky({0, 1, 3}),
    )
    assert [source.read().index for _ in range(2)] == [2, 4]
    dead = Shaky(range(99))
    with pytest.raises(SourceError, match="10 pictures in a row that cannot be decoded"):
        open_v4l2(
            "/dev/video0",
            (64, 48),
            ManualClock(),
            interval_s=0,
            query=lambda _: WEBCAM,
            capture=lambda _: dead,
        )
    assert dead.released


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((4, 6), np.uint8), ((4, 6, 1), np.uint8), ((4, 6), np.uint16), ((4, 6, 4), np.uint8)],
)
def test_gray_and_16_bit_cameras_give_gray_frames(shape, dtype):
    capture = Shaky((), shape, dtype)
    source = open_v4l2(
        "/dev/video0",
        (64, 48),
        ManualClock(),
        interval_s=0,
        query=lambda _: WEBCAM,
        capture=lambda _: capture,
    )
    gray = source.read().gray
    assert gray.shape == (4, 6)
    assert gray.dtype == np.uint8


def test_a_metadata_node_is_no_camera():
    with pytest.raises(SourceError, match=r"/dev/video1 \(HD Webcam\) is not a capture device"):
        open_v4l2(
            "/dev/video1",
            (64, 48),
            ManualClock(),
            interval_s=0,
            query=lambda _: Device("uvcvideo", "HD Webcam", captures=False),
        )


def test_a_ribbon_cameras_node_points_to_picamera2():
    with pytest.raises(SourceError, match="picamera2"):
        open_v4l2(
            "/dev/video0",
            (64, 48),
            ManualClock(),
            interval_s=0,
            query=lambda _: Device("unicam", "unicam", captures=True),
        )


def test_a_camera_in_use_says_how_to_see_by_whom():
    with pytest.raises(SourceError, match="fuser -v /dev/video0"):
        open_v4l2(
            "/dev/video0",
            (64, 48),
            ManualClock(),
            interval_s=0,
            query=lambda _: WEBCAM,
            capture=lambda _: cv2.VideoCapture(),
        )


def test_the_kernel_is_asked_with_the_right_call():
    assert _CAPABILITY.size == 104
    assert _QUERYCAP == 0x80685600  # VIDIOC_QUERYCAP of linux/videodev2.h


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_another_kind_of_device_is_no_video_device(path):
    with pytest.raises(SourceError, match=f"{path} is not a video device"):
        query_device(path)


def test_a_missing_device_lists_those_there_are(monkeypatch):
    with pytest.raises(SourceError, match="there is no camera /dev/video99"):
        query_device("/dev/video99")
    monkeypatch.setattr("hardware.v4l2.video_devices", lambda: ["/dev/video0", "/dev/video2"])
    with pytest.raises(SourceError, match="this machine has /dev/video0, /dev/video2"):
        query_device("/dev/video99")


def test_devices_are_listed_in_order(tmp_path):
    for name in ("video10", "video2", "video0", "videodev", "media0"):
        (tmp_path / name).touch()
    assert [Path(node).name for node in video_devices(tmp_path)] == ["video0", "video2", "video10"]


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        (errno.EACCES, "usermod -aG video"),
        (errno.EBUSY, "fuser"),
        (errno.ENODEV, "/dev/video"),
        (errno.EIO, "/dev/video"),
    ],
)
def test_each_refusal_has_its_fix(code, fix):
    error = _not_opened("/dev/video0", OSError(code, os.strerror(code)))
    assert fix in error.fix
    assert "/dev/video0" in error.found
