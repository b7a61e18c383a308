"""hardware/picamera2.py: only what needs no camera, against a small stand-in for the package.

This shows that the gray plane is cut right and that errors are named. It does not show that the real Picamera2 takes
these calls: that needs libcamera, and is an integration test of its own.
"""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from edge.clock import ManualClock
from edge.errors import SourceError
from hardware.picamera2 import gray_plane, open_picamera2


class StandIn:
    """Answers as Picamera2 does: YUV420 buffers with padded rows, RGB888 ones in memory order BGR."""

    stride = 704
    broken: Exception | None = None
    missing = False
    opened: StandIn

    def __init__(self, number):
        if self.missing:
            raise IndexError("list index out of range")
        self.log = [number]
        StandIn.opened = self

    def create_video_configuration(self, **streams):
        return streams

    def configure(self, streams):
        self.streams = streams
        if streams["main"]["size"][0] > 4000:
            raise RuntimeError("Configuration not supported\nmore")

    def start(self):
        self.log.append("start")

    def stop(self):
        self.log.append("stop")

    def close(self):
        self.log.append("close")
        raise RuntimeError("it is gone already")

    def capture_arrays(self, names, wait):
        self.wait = wait
        if self.broken:
            raise self.broken
        return [self._array(self.streams[name]) for name in names], {}

    def _array(self, stream):
        width, height = stream["size"]
        if stream["format"] == "RGB888":
            return np.full((height, width, 3), (1, 2, 3), np.uint8)
        buffer = np.full((height * 3 // 2, self.stride), 255, np.uint8)
        buffer[:height, :width] = np.arange(height, dtype=np.uint8)[:, np.newaxis] % 200
        return buffer


@pytest.fixture
def stand_in(monkeypatch):
    module = ModuleType("picamera2")
    module.Picamera2 = type("Picamera2", (StandIn,), {})
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module.Picamera2


def open_it(**options):
    return open_picamera2(0, (640, 480), ManualClock(), **{"interval_s": 0.05, "stall_s": 4.0, **options})


def test_the_gray_plane_is_the_upper_rows_without_their_padding():
    buffer = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
    gray = gray_plane(buffer, (6, 4))
    assert gray.shape == (4, 6)
    assert np.array_equal(gray, buffer[:4, :6])
    assert gray.flags.c_contiguous


def test_a_plane_without_padding_is_not_copied():
    buffer = np.zeros((720, 640), np.uint8)
    assert np.shares_memory(gray_plane(buffer, (640, 480)), buffer)


@pytest.mark.parametrize("shape", [(479, 640), (720, 600), (480, 640, 3)])
def test_a_buffer_of_another_form_is_named(shape):
    with pytest.raises(SourceError, match="expected uint8"):
        gray_plane(np.zeros(shape, np.uint8), (640, 480))


def test_without_colour_only_the_gray_stream_runs(stand_in):
    source = open_it()
    frame = source.read()
    camera = StandIn.opened
    assert set(camera.streams) == {"main", "controls", "queue"}
    assert camera.streams["main"] == {"size": (640, 480), "format": "YUV420"}
    assert frame.gray.shape == (480, 640)
    assert frame.colour is None
    assert frame.gray.max() < 200  # None of the padding, none of the colour planes.
    assert camera.wait == 4.0
    assert source.read().index == 1


def test_with_colour_both_streams_have_one_size(stand_in):
    frame = open_it(keep_colour=True).read()
    assert frame.gray.shape == (480, 640)
    assert frame.colour.shape == (480, 640, 3)
    assert frame.colour[0, 0].tolist() == [1, 2, 3]


def test_an_odd_size_is_made_even(stand_in):
    open_picamera2(0, (641, 481), ManualClock(), interval_s=0.1, stall_s=5)
    assert StandIn.opened.streams["main"]["size"] == (640, 480)


def test_the_frame_rate_is_bounded(stand_in):
    open_it(interval_s=0.5)
    assert StandIn.opened.streams["controls"] == {"FrameDurationLimits": (33_333, 500_000)}
    open_it(interval_s=0.001)
    assert StandIn.opened.streams["controls"] == {"FrameDurationLimits": (33_333, 33_333)}


def test_a_camera_that_times_out_is_a_source_error_and_closes_quietly(stand_in):
    source = open_it()
    StandIn.opened.broken = TimeoutError("Camera frontend has timed out")
    with pytest.raises(SourceError, match=r"gives no picture .*timed out"):
        source.read()
    source.close()
    source.close()
    assert StandIn.opened.log == [0, "start", "stop", "close"]


def test_a_missing_camera_is_named(stand_in):
    stand_in.missing = True
    with pytest.raises(SourceError, match=r"picamera2:0 cannot be opened .*list-cameras"):
        open_it()


def test_a_size_that_the_camera_refuses_is_named_and_the_camera_closed(stand_in):
    with pytest.raises(SourceError, match="refuses 5000 x 480 pixels") as error:
        open_picamera2(0, (5000, 480), ManualClock(), interval_s=0.1, stall_s=5)
    assert "\n" not in str(error.value)
    assert StandIn.opened.log[-1] == "close"


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(SourceError, match=r"sudo apt install python3-picamera2.*--system-site-packages"):
        open_it()


def test_a_package_that_clashes_with_numpy_says_so(tmp_path, monkeypatch):
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        SourceError, match=r"cannot be imported .*numpy.dtype size changed.*never pip-install"
    ):
        open_it()
