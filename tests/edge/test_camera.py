"""edge/camera.py: the reading thread, on real clips, a real HTTP stream, and cameras that hang."""

from __future__ import annotations

import http.server
import itertools
import logging
import threading
import time

import cv2
import numpy as np
import pytest

from edge.camera import MAX_HUNG, Reader, SourceState
from edge.clock import SystemClock
from edge.errors import SourceEmptyError, SourceError
from edge.settings import SourceSettings
from edge.types import Frame
from hardware.fake import FakeCamera, Trouble

FAST = {"stall_s": 0.3, "reopen_min_s": 0.05, "reopen_max_s": 0.2, "frame_interval_s": 0.05}


def write_video(path, frames=20, fps=20.0):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
    for i in range(frames):
        writer.write(np.full((48, 64, 3), i, np.uint8))
    writer.release()
    return path


def wait_for(reader, *states, within_s=5.0):
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if reader.state in states:
            return
        time.sleep(0.01)
    raise AssertionError(f"still {reader.state}: {reader.detail}")


def wait_for_frame(reader, after=-1, within_s=5.0):
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        frame = reader.next_frame(after, 0.05)
        if frame is not None:
            return frame
    raise AssertionError(f"no frame: {reader.state}, {reader.detail}")


@pytest.fixture
def make():
    """Make a reader that is stopped when the test ends."""
    readers = []

    def reader(opener=None, **settings):
        made = Reader(SourceSettings(**{**FAST, **settings}), SystemClock(), opener=opener)
        readers.append(made)
        return made

    yield reader
    for one in readers:
        one.stop()


@pytest.fixture
def fake():
    """Make a camera on the real clock; every hang ends with the test."""
    cameras = []

    def camera(*script, **options):
        cameras.append(FakeCamera(SystemClock(), script, **{"fps": 50, "read_timeout_s": 0.3, **options}))
        return cameras[-1]

    yield camera
    for one in cameras:
        one.released.set()


def test_a_clip_plays_at_its_own_speed_to_its_clean_end(tmp_path, make):
    reader = make(uri=str(write_video(tmp_path / "a.avi")))
    reader.start()
    start, seen = time.monotonic(), []
    while not reader.finished:
        frame = reader.next_frame(seen[-1] if seen else -1, 0.2)
        if frame is not None:
            seen.append(frame.index)
    assert 0.8 < time.monotonic() - start < 3
    assert reader.state is SourceState.ENDED
    assert reader.detail == "a.avi has been played to its end"
    assert seen[-1] == 19
    assert reader.frames == 20
    assert len(seen) + reader.dropped == 20
    assert reader.size == (64, 48)


def test_the_last_frame_can_be_had_after_the_end(tmp_path, make):
    reader = make(uri=str(write_video(tmp_path / "a.avi", 3)))
    reader.start()
    wait_for(reader, SourceState.ENDED)
    assert not reader.finished
    assert reader.next_frame(-1, 0).index == 2
    assert reader.finished
    assert reader.dropped == 2


def test_a_slow_loop_gets_the_latest_frame_and_not_a_queue(fake, make):
    reader = make(fake().open)
    reader.start()
    first = wait_for_frame(reader)
    time.sleep(0.4)
    second = wait_for_frame(reader, first.index)
    assert second.index > first.index + 10
    assert time.monotonic() - second.at_s < 0.2
    assert reader.dropped >= 10


def test_a_looped_clip_goes_on(tmp_path, make):
    reader = make(uri=str(write_video(tmp_path / "a.avi", 3, fps=60.0)), loop=True)
    reader.start()
    frame = None
    while frame is None or frame.index < 12:
        frame = wait_for_frame(reader, frame.index if frame else -1)
    assert reader.state is SourceState.PLAYING


def test_a_missing_or_empty_file_is_an_error_at_the_start(tmp_path, make):
    with pytest.raises(SourceError, match="names nothing"):
        make(uri=str(tmp_path / "none.mp4")).open_first()
    with pytest.raises(SourceEmptyError):
        make(uri=str(write_video(tmp_path / "zero.avi", 0))).start()
    with pytest.raises(SourceError, match="camera number 77"):
        make(uri="77").start()


def test_a_missing_camera_is_a_state_and_not_an_error(make, caplog):
    with caplog.at_level(logging.INFO):
        reader = make(uri="/dev/video99")
        reader.open_first()
        assert reader.state is SourceState.GONE
        assert "there is no camera /dev/video99" in reader.detail
        reader.start()
        time.sleep(0.6)
        assert reader.state is SourceState.GONE
        assert reader.next_frame(-1, 0.01) is None
    assert len(caplog.records) <= 1


def test_a_camera_plugged_in_later_is_found(fake, make):
    reader = make(fake(Trouble("gone", 0, 0.5)).open)
    reader.open_first()
    assert reader.state is SourceState.GONE
    reader.start()
    wait_for_frame(reader)
    assert reader.state is SourceState.PLAYING


def test_a_camera_that_stalls_and_vanishes_comes_back(fake, make):
    reader = make(fake(Trouble("stall", 0.2, 0.9), Trouble("gone", 1.4, 2.0)).open)
    reader.start()
    frame = wait_for_frame(reader)
    for state in (SourceState.STALLED, SourceState.PLAYING, SourceState.GONE, SourceState.PLAYING):
        wait_for(reader, state)
    assert wait_for_frame(reader, frame.index).index > frame.index


def test_a_camera_that_hangs_is_replaced_by_a_new_opening(fake, make):
    camera = fake(Trouble("hang", 0.2, 1.2))
    reader = make(camera.open)
    reader.start()
    last = wait_for_frame(reader).index
    wait_for(reader, SourceState.STALLED)
    assert "has not answered for 0.3 s" in reader.detail
    wait_for(reader, SourceState.PLAYING)
    assert wait_for_frame(reader, last).index > last
    assert camera.opened >= 2
    time.sleep(0.3)  # The hung threads come back, too late: their frames are not mixed in.
    assert not [t for t in reader._hung if t.is_alive()]


def test_a_driver_that_swallows_every_thread_is_given_up_and_forgiven(fake, make):
    camera = fake(Trouble("hang", 0.1))
    reader = make(camera.open)
    reader.start()
    wait_for(reader, SourceState.FAILED, within_s=10)
    assert "restart the service" in reader.detail
    assert len(reader._hung) == MAX_HUNG
    before = threading.active_count()
    time.sleep(0.5)
    assert reader.state is SourceState.FAILED
    assert threading.active_count() <= before
    camera._script = ()
    camera.released.set()
    wait_for(reader, SourceState.PLAYING)


def test_an_opening_that_hangs_is_noticed(fake, make, monkeypatch):
    monkeypatch.setattr("edge.camera.OPEN_HANG_S", 0.3)
    gate, camera, tries = threading.Event(), fake(), []

    def opener():
        tries.append(1)
        if len(tries) == 1:
            gate.wait(10)
        return camera.open()

    reader = make(opener)
    reader.start()
    wait_for_frame(reader)
    gate.set()
    assert len(tries) == 2


def test_stop_returns_soon_even_if_the_camera_hangs(fake, make):
    reader = make(fake(Trouble("hang", 0.1)).open, stall_s=60)
    reader.start()
    time.sleep(0.3)
    start = time.monotonic()
    reader.stop()
    assert time.monotonic() - start < 2.5


def test_stop_ends_a_long_pause_at_once(fake, make):
    reader = make(fake(Trouble("gone", 0)).open, reopen_min_s=60, reopen_max_s=60)
    reader.open_first()
    start = time.monotonic()
    reader.stop()
    assert time.monotonic() - start < 0.5
    assert not reader._thread.is_alive()


def test_stop_gives_the_camera_back(fake, make):
    opened = []
    camera = fake()
    reader = make(lambda: opened.append(camera.open()) or opened[-1])
    reader.start()
    wait_for_frame(reader)
    reader.stop()
    assert all(source.closed.is_set() for source in opened)


def test_a_reader_that_was_never_started_can_be_stopped(tmp_path, make):
    make(uri=str(write_video(tmp_path / "a.avi", 2))).stop()
    reader = make(uri=str(write_video(tmp_path / "a.avi", 2)))
    reader.open_first()
    reader.stop()


def test_starting_twice_is_starting_once(fake, make):
    camera = fake()
    reader = make(camera.open)
    reader.open_first()
    reader.start()
    reader.start()
    wait_for_frame(reader)
    assert camera.opened == 1


def test_a_file_whose_disk_does_not_answer_is_stalled_and_not_played_again(make):
    gate = threading.Event()

    class SlowFile:
        live, name, index = False, "slow", 0

        def read(self):
            if self.index == 1:
                gate.wait(5)
            self.index += 1
            gray = np.zeros((4, 4), np.uint8)
            return Frame(gray=gray, index=self.index - 1, at_s=0.0) if self.index < 4 else None

        def close(self):
            pass

    opened = []
    reader = make(lambda: opened.append(1) or SlowFile(), uri="/")
    reader.start()
    wait_for(reader, SourceState.STALLED)
    gate.set()
    wait_for(reader, SourceState.ENDED)
    assert len(opened) == 1


class MotionJpeg:
    """An HTTP server that sends motion JPEG until told to vanish, on a port it can take again."""

    def __init__(self):
        self.port = 0
        self.start()

    def start(self):
        gone = self.gone = threading.Event()
        jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))[1].tobytes()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if "cam" not in self.path:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                try:
                    for count in itertools.count():
                        if gone.is_set():
                            break
                        if "sleepy" in self.path and count > 30:
                            gone.wait()
                        self.wfile.write(b"garbage " * 50 if "bad" in self.path else part + jpeg + b"\r\n")
                        time.sleep(0.02)
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def vanish(self):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stream():
    server = MotionJpeg()
    yield server
    server.vanish()


def test_an_http_stream_plays_vanishes_and_comes_back(stream, make, caplog, capfd):
    reader = make(uri=f"http://admin:hunter2@127.0.0.1:{stream.port}/cam?token=abc", stall_s=1)
    with caplog.at_level(logging.DEBUG):
        reader.start()
        frame = wait_for_frame(reader)
        assert frame.gray.shape == (120, 160)
        assert abs(float(frame.gray.mean()) - 90) < 3
        stream.vanish()
        wait_for(reader, SourceState.GONE, SourceState.STALLED)
        stream.start()
        wait_for(reader, SourceState.PLAYING)
        assert wait_for_frame(reader, frame.index).index > frame.index
    said = caplog.text + reader.detail + capfd.readouterr().err
    assert "hunter2" not in said
    assert "abc" not in said


def test_an_http_stream_that_falls_silent_is_stalled_and_opened_again(stream, make):
    reader = make(uri=f"http://127.0.0.1:{stream.port}/cam/sleepy")
    reader.start()
    last = wait_for_frame(reader).index
    wait_for(reader, SourceState.STALLED)
    wait_for(reader, SourceState.PLAYING)
    assert wait_for_frame(reader, last).index > last


@pytest.mark.parametrize("path", ["nothing", "cam/bad"])
def test_an_http_address_without_video_is_gone(stream, make, path, monkeypatch):
    monkeypatch.setattr("hardware.stream.OPEN_TIMEOUT_S", 1.0)
    reader = make(uri=f"http://127.0.0.1:{stream.port}/{path}", stall_s=1)
    reader.start()
    wait_for(reader, SourceState.GONE, within_s=15)
    assert "no video from" in reader.detail
