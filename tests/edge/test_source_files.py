"""edge/source_files.py: real small videos and folders, whole and broken."""

from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.errors import SourceEmptyError, SourceError
from edge.source_files import DEFAULT_FPS, ImageSource, VideoSource, _believable, natural_key

CODECS = [("MJPG", "avi"), ("mp4v", "mp4"), ("XVID", "avi"), ("MJPG", "mkv")]


def write_video(path, frames=20, *, codec="MJPG", fps=10.0, size=(64, 48), noise=0):
    """Frame i is one gray level, 10 * i, plus noise."""
    random = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
    assert writer.isOpened()
    for i in range(frames):
        grain = random.integers(0, noise + 1, (size[1], size[0], 3), np.uint8)
        writer.write(grain + np.uint8(10 * i % 250))
    writer.release()
    return path


def write_images(folder, names):
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((20, 30, 3), 10 * i, np.uint8))
    return folder


def images(folder, **options):
    return ImageSource(folder, ManualClock(), **{"interval_s": 0.1, **options})


def all_frames(source):
    return list(iter(source.read, None))


@pytest.mark.parametrize(("codec", "suffix"), CODECS)
def test_every_frame_of_a_video_comes_once_with_its_due_time(tmp_path, codec, suffix):
    clock = ManualClock()
    clock.advance(100)
    source = VideoSource(write_video(tmp_path / f"a.{suffix}", codec=codec), clock)
    frames = all_frames(source)
    assert [f.index for f in frames] == list(range(20))
    assert [f.at_s for f in frames] == pytest.approx([100 + i / 10 for i in range(20)])
    assert [float(f.gray.mean()) for f in frames] == pytest.approx([10 * i for i in range(20)], abs=4)
    assert all(f.gray.shape == (48, 64) and f.gray.dtype == np.uint8 and f.colour is None for f in frames)
    assert source.read() is None
    assert clock.now().monotonic_s == 100  # Reading does not wait.


def test_reading_a_video_twice_gives_the_same_pixels(tmp_path):
    path = write_video(tmp_path / "a.mp4", codec="mp4v")
    first, second = (all_frames(VideoSource(path, ManualClock())) for _ in range(2))
    assert all(np.array_equal(a.gray, b.gray) for a, b in zip(first, second, strict=True))


def test_a_looped_video_counts_on_and_its_time_goes_on(tmp_path):
    source = VideoSource(write_video(tmp_path / "a.avi", 5), ManualClock(), loop=True)
    frames = [source.read() for _ in range(12)]
    assert [f.index for f in frames] == list(range(12))
    assert [f.at_s for f in frames] == pytest.approx([i / 10 for i in range(12)])
    assert abs(float(frames[6].gray.mean()) - 10) < 4
    source.close()


def test_a_looped_video_that_vanishes_is_a_source_error(tmp_path):
    path = write_video(tmp_path / "a.avi", 2)
    source = VideoSource(path, ManualClock(), loop=True)
    path.unlink()
    source.read()
    source.read()
    with pytest.raises(SourceError, match="No such file"):
        source.read()


def test_a_video_of_zero_frames_is_named(tmp_path, capfd):
    with pytest.raises(SourceEmptyError, match=r"zero\.avi holds no frame") as error:
        VideoSource(write_video(tmp_path / "zero.avi", 0), ManualClock())
    assert error.value.exit_code == 3
    assert capfd.readouterr().err == ""


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(SourceEmptyError, match=r"a\.mp4 is empty"):
        VideoSource(tmp_path / "a.mp4", ManualClock())


def test_an_mp4_cut_short_cannot_be_opened(tmp_path, capfd):
    path = write_video(tmp_path / "a.mp4", codec="mp4v")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SourceError, match="cut short") as error:
        VideoSource(path, ManualClock())
    assert len(str(error.value).splitlines()) == 1
    assert capfd.readouterr().err == ""  # Neither OpenCV nor FFmpeg add their own lines.


def test_an_avi_cut_short_plays_as_far_as_it_goes_and_says_so(tmp_path, caplog):
    path = write_video(tmp_path / "a.avi", noise=255)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        count = len(all_frames(VideoSource(path, ManualClock())))
    assert 3 < count < 18
    assert f"a.avi ended after {count} of 20 frames" in caplog.text


@pytest.mark.parametrize("data", [b"plain text\n" * 200, b"#EXTM3U\nhttp://example.org/a.ts\n", b"\0" * 500])
def test_what_is_no_video_is_refused_before_ffmpeg_sees_it(tmp_path, data):
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(SourceError, match="neither a video nor a picture"):
        VideoSource(tmp_path / "a.mp4", ManualClock())


@pytest.mark.parametrize(
    ("told", "taken"),
    [(30.0, 30.0), (0.5, 0.5), (0.0, DEFAULT_FPS), (90_000.0, DEFAULT_FPS), (1000.0, DEFAULT_FPS),
     (-5.0, DEFAULT_FPS), (float("nan"), DEFAULT_FPS), (float("inf"), DEFAULT_FPS)],
)  # fmt: skip
def test_an_unbelievable_rate_becomes_25(told, taken):
    assert _believable(told) == taken


def test_a_container_that_says_1000_frames_a_second_plays_at_25(tmp_path):
    assert VideoSource(write_video(tmp_path / "a.avi", 3, fps=1000.0), ManualClock()).fps == DEFAULT_FPS


def test_a_folder_plays_in_natural_order_at_its_interval(tmp_path):
    folder = write_images(tmp_path / "f", ["1.png", "2.jpg", "10.PNG", "11.bmp"])
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_bytes(b"no image")
    (folder / "inner.png").mkdir()
    frames = all_frames(images(folder, keep_colour=True, interval_s=0.5))
    assert [round(float(f.gray.mean()) / 10) for f in frames] == [0, 1, 2, 3]
    assert [f.at_s for f in frames] == pytest.approx([0, 0.5, 1, 1.5])
    assert frames[0].colour.shape == (20, 30, 3)


def test_a_corrupt_image_is_skipped_logged_and_counted_not_fatal(tmp_path, caplog):
    folder = write_images(tmp_path / "f", ["1.png", "2.png", "3.png"])
    data = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        source = images(folder, loop=True)
        levels = [round(float(source.read().gray.mean()) / 10) for _ in range(6)]
    assert levels == [0, 2, 0, 2, 0, 2]
    assert source.skipped == 1
    assert caplog.text.count("skipped an image of f: 2.png: cut short") == 1


def test_a_folder_of_corrupt_images_is_named(tmp_path):
    folder = write_images(tmp_path / "f", [])
    for name in ("a.png", "b.jpg"):
        (folder / name).write_bytes(b"nothing")
    with pytest.raises(SourceEmptyError, match="none of the 2 images of f can be read"):
        images(folder, loop=True)


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "readme.txt").touch()
    with pytest.raises(SourceEmptyError, match=r"holds no image \(1 other entries\)"):
        images(tmp_path)


def test_a_looped_folder_that_is_emptied_is_a_source_error(tmp_path):
    folder = write_images(tmp_path / "f", ["1.png", "2.png"])
    source = images(folder, loop=True)
    for path in folder.iterdir():
        path.unlink()
    source.read()
    with pytest.raises(SourceError, match="any more"):
        source.read()


def test_one_image_is_one_frame_and_loops_for_ever(tmp_path):
    folder = write_images(tmp_path / "f", ["1.png"])
    assert len(all_frames(images(folder / "1.png"))) == 1
    source = images(folder / "1.png", loop=True)
    assert [source.read().at_s for _ in range(3)] == pytest.approx([0, 0.1, 0.2])
    source.close()
    source.close()


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_can_be_sorted(names):
    sorted(names, key=natural_key)


@given(st.lists(st.integers(0, 10_000), max_size=10))
def test_numbers_in_names_sort_as_numbers(numbers):
    names = sorted((f"img{n}.jpg" for n in numbers), key=natural_key)
    assert names == [f"img{n}.jpg" for n in sorted(numbers)]
