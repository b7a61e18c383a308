"""edge/source.py: what an address means, and the error when it means nothing."""

from __future__ import annotations

import os

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.errors import SourceError
from edge.settings import SourceSettings
from edge.source import SourceKind, kind_of, open_source, safe_name

PICTURE = np.full((20, 30, 3), 77, np.uint8)


def open_uri(uri, **settings):
    return open_source(SourceSettings(uri=str(uri), **settings), ManualClock())


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for i in range(3):
        writer.write(np.full((48, 64, 3), 40 * i, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("0", SourceKind.V4L2),
        ("63", SourceKind.V4L2),
        ("/dev/video7", SourceKind.V4L2),
        ("/dev/v4l/by-id/usb-cam-index0", SourceKind.V4L2),
        ("picamera2", SourceKind.PICAMERA2),
        ("picamera2:1", SourceKind.PICAMERA2),
        ("rtsp://user:word@10.0.0.5/live", SourceKind.STREAM),
        ("RTSPS://cam/", SourceKind.STREAM),
        ("http://cam:8080/video.mjpg", SourceKind.STREAM),
        ("https://[::1]/x", SourceKind.STREAM),
    ],
)
def test_an_address_is_known_by_its_form(uri, kind):
    assert kind_of(uri) is kind
    assert kind.live


def test_what_is_on_the_disk_is_known_by_what_it_is(tmp_path, clip):
    cv2.imwrite(str(tmp_path / "photo.bin.png"), PICTURE)
    (tmp_path / "photo.bin.png").rename(tmp_path / "photo")
    assert kind_of(str(clip)) is SourceKind.VIDEO
    assert kind_of(str(tmp_path / "photo")) is SourceKind.IMAGE
    assert kind_of(str(tmp_path)) is SourceKind.FOLDER
    assert not SourceKind.VIDEO.live


def test_every_kind_of_file_opens_through_the_one_door(tmp_path, clip):
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "a.png"), PICTURE)
    for uri, frames in ((clip, 3), (images, 1), (images / "a.png", 1)):
        source = open_uri(uri)
        assert not source.live
        assert sum(1 for _ in iter(source.read, None)) == frames
        source.close()


def test_a_home_folder_is_found(clip, monkeypatch):
    monkeypatch.setenv("HOME", str(clip.parent))
    assert kind_of("~/clip.avi") is SourceKind.VIDEO


@pytest.mark.parametrize(
    ("uri", "found", "fix"),
    [
        ("64", "camera number 64", "./64"),
        ("-1", "'-1' names nothing", "check"),
        ("", "'' names nothing", "check"),
        ("picamera3", "'picamera3' names nothing", "check"),
        ("ftp://host/clip.mp4", "source 'ftp://host/clip.mp4'", "check"),
        ("http://", "source 'http://'", "check"),
        ("rtsp://[::1/x", "source 'rtsp://...'", "check"),
        ("a\0b", "'a?b' names nothing", "check"),
        ("a\nb", "a?b", "check"),
        ("x" * 5000, "cannot be looked at", "check"),
        ("/dev/video99", "there is no camera /dev/video99", "/dev/video"),
        ("/dev/null", "/dev/null is not a video device", "/dev/video"),
    ],
)
def test_an_address_that_means_nothing_gets_one_clear_line(uri, found, fix):
    with pytest.raises(SourceError) as error:
        open_uri(uri)
    assert found in error.value.found
    assert error.value.expected
    assert fix in error.value.fix
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 3


def test_the_last_camera_number_names_its_device_where_there_is_none():
    with pytest.raises(SourceError, match="there is no camera /dev/video63"):
        open_uri("63")


def test_a_misspelt_file_names_its_nearest_neighbour(clip):
    with pytest.raises(SourceError, match=r"did you mean '.*clip\.avi'"):
        open_uri(clip.with_name("clp.avi"))


def test_a_pipe_is_neither_file_nor_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        open_uri(tmp_path / "pipe")


def test_picamera2_without_the_package_says_how_to_get_it():
    try:
        import picamera2  # noqa: F401
    except ImportError:
        with pytest.raises(SourceError, match="sudo apt install python3-picamera2"):
            open_uri("picamera2")


def test_a_stream_that_nobody_serves_is_an_error_without_the_password(capfd):
    with pytest.raises(SourceError, match=r"no video from http://127\.0\.0\.1:9/cam") as error:
        open_uri("http://admin:hunter2@127.0.0.1:9/cam?token=abc")
    said = str(error.value) + capfd.readouterr().err
    assert "hunter2" not in said
    assert "admin" not in said
    assert "abc" not in said


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("rtsp://me:secret@cam:554/live", "rtsp://cam:554/live"),
        ("http://cam/v?user=me&pwd=secret", "http://cam/v?..."),
        ("http://me:se@cret@cam/", "http://cam/"),
        ("http://cam/#secret", "http://cam/"),
        ("rtsp://me:p/w@cam/x", "rtsp://cam/x"),
        ("rtsp:/me:secret@cam/x", "rtsp:/cam/x"),
        ("me:secret@cam/x", "...cam/x"),
        ("/home/me@work/a:b.mp4", "/home/me@work/a:b.mp4"),
        ("clip.mp4", "clip.mp4"),
        ("a\nb", "a?b"),
    ],
)
def test_a_name_holds_no_secret_and_no_new_line(uri, name):
    assert safe_name(uri) == name


@given(st.text(), st.sampled_from(["", "rtsp://", "http://u:p@", "/dev/", "picamera2"]))
def test_any_text_is_a_kind_or_a_source_error(text, start):
    try:
        kind = kind_of(start + text)
    except SourceError as error:
        said = str(error)
    else:
        said = kind.value
    assert len(said.splitlines()) == 1


def test_colour_is_kept_only_when_asked_for(clip):
    plain = open_source(SourceSettings(uri=str(clip)), ManualClock()).read()
    full = open_source(SourceSettings(uri=str(clip)), ManualClock(), keep_colour=True).read()
    assert plain.colour is None
    assert full.colour.shape == (48, 64, 3)
    assert np.array_equal(plain.gray, full.gray)


def test_settings_reach_the_source(clip):
    settings = msgspec.structs.replace(SourceSettings(uri=str(clip)), loop=True)
    source = open_source(settings, ManualClock())
    assert [source.read().index for _ in range(7)] == list(range(7))
