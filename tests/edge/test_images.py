"""edge/images.py and edge/image_format.py: one still image, whatever is wrong with it."""

from __future__ import annotations

import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ImageError
from edge.image_format import check_whole, size_of, sniff
from edge.images import decode_image, read_image, to_bgr, to_gray

KINDS = {".jpg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WebP", ".tiff": "TIFF", ".ppm": "PNM"}


def photo(height=48, width=64, seed=0):
    """A smooth picture with no two equal corners."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def encode(suffix, pixels, *options):
    found, data = cv2.imencode(suffix, pixels, list(options))
    assert found
    return data.tobytes()


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_exif_orientation(jpeg, orientation):
    tiff = (
        b"MM\0*\0\0\0\x08"
        + struct.pack(">H", 1)
        + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
        + b"\0" * 4
    )
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize("suffix", KINDS)
def test_each_kind_is_read_as_8_bit_colour(tmp_path, suffix):
    pixels = photo()
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode(suffix, pixels))
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image.shape == (48, 64, 3)
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - pixels).mean() < (4 if suffix == ".jpg" else 0.1)


@pytest.mark.parametrize("suffix", KINDS)
def test_kind_and_size_come_from_the_header(suffix):
    data = encode(suffix, photo(30, 70))
    assert sniff(data) == KINDS[suffix]
    assert size_of(data, KINDS[suffix]) == (70, 30)
    assert check_whole(data, KINDS[suffix]) == ""


@pytest.mark.parametrize("options", [(cv2.IMWRITE_WEBP_QUALITY, 50), (cv2.IMWRITE_WEBP_QUALITY, 101)])
def test_both_kinds_of_webp_give_their_size(options):
    assert size_of(encode(".webp", photo(30, 70), *options), "WebP") == (70, 30)


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_named(tmp_path, suffix, share):
    data = encode(suffix, photo())
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: max(1, int(len(data) * share))])
    with pytest.raises(ImageError, match=f"cut{suffix}"):
        read_image(path)


def test_a_cut_jpeg_says_so_even_when_its_thumbnail_has_an_end_marker():
    thumbnail = encode(".jpg", photo(8, 8))
    data = encode(".jpg", photo())
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:]
    assert decode_image(data, "a.jpg").shape == (48, 64, 3)
    with pytest.raises(ImageError, match=r"cut short after .* bytes \(no end marker\)"):
        decode_image(data[:-30], "a.jpg")


def test_a_progressive_jpeg_and_one_with_bytes_after_its_end_are_whole():
    data = encode(".jpg", photo(200, 300), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decode_image(data, "a").shape == (200, 300, 3)
    assert decode_image(data + b"MotionPhoto" * 9, "a").shape == (200, 300, 3)
    with pytest.raises(ImageError, match="cut short"):
        decode_image(data[: len(data) * 2 // 3], "a")


def test_a_damaged_png_is_named(capfd):
    data = bytearray(encode(".png", photo()))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ImageError, match="wrong checksum"):
        decode_image(bytes(data), "a.png")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", r"a\.jpg is empty"),
        (b"hello, I am text\n" * 100, "is not a picture"),
        (b"\0" * 5000, "is not a picture"),
        (b"\xff\xd8\xff", "cut short"),
        (b"\x89PNG\r\n\x1a\n", "cut short"),
        (b"BM" + b"\0" * 60, "0 x 0 pixels"),
        (b"II*\0\xff\xff\xff\xff", "cannot be decoded"),
        (b"GIF89a" + b"\0" * 50, "is not a picture"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, data, found, capfd):
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=found) as error:
        read_image(path)
    assert "expected" in str(error.value)
    assert "to fix" in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_a_folder_a_missing_file_and_a_pipe_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, found in [
        (tmp_path, "is a folder"),
        (tmp_path / "none.jpg", "No such file"),
        (tmp_path / "pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("a\0b", "null"),
    ]:
        with pytest.raises(ImageError, match=found):
            read_image(path)


def test_a_file_without_permission_is_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode(".png", photo()))
    path.chmod(0)
    if os.access(path, os.R_OK):  # Root may read everything.
        assert read_image(path).shape == (48, 64, 3)
    else:
        with pytest.raises(ImageError, match="Permission denied"):
            read_image(path)


def test_an_absurd_size_is_refused_before_decoding():
    rows = zlib.compress(b"\0" * 10)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    data += png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="60000 x 60000 pixels; expected at most 100 million"):
        decode_image(data, "bomb.png")


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".ppm"])
def test_16_bits_are_scaled_to_8(suffix):
    pixels = photo()
    image = decode_image(encode(suffix, pixels.astype(np.uint16) * 257), "deep")
    assert np.abs(image.astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg"])
def test_gray_becomes_colour(suffix):
    image = decode_image(encode(suffix, photo()[:, :, 0]), "gray")
    assert image.shape == (48, 64, 3)
    assert np.array_equal(image[:, :, 0], image[:, :, 2])


def test_gray_of_16_bits_becomes_colour_of_8():
    gray = photo()[:, :, 0]
    image = decode_image(encode(".png", gray.astype(np.uint16) * 257), "gray")
    assert np.abs(image[:, :, 1].astype(int) - gray).max() <= 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_alpha_is_dropped(depth):
    pixels = photo().astype(depth) * (257 if depth is np.uint16 else 1)
    data = encode(".png", np.dstack([pixels, np.zeros_like(pixels[:, :, 0])]))
    assert np.abs(decode_image(data, "clear").astype(int) - photo()).max() <= 1


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, 3), (3, 2), (8, 1)])
def test_a_photo_is_turned_upright_as_its_exif_says(orientation, turns):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:20, :40] = 255
    image = decode_image(with_exif_orientation(encode(".jpg", pixels), orientation), "phone.jpg")
    assert np.abs(image.astype(int) - np.rot90(pixels, turns)).mean() < 5


@pytest.mark.parametrize("shape", [(1, 1), (10, 20_000), (20_000, 10)])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_strange_but_honest_sizes_are_read(shape, suffix):
    assert decode_image(encode(suffix, np.full((*shape, 3), 9, np.uint8)), "a").shape == (*shape, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_arrays_of_every_kind_become_gray_and_colour(dtype, channels):
    shape = (6, 8) if channels is None else (6, 8, channels)
    pixels = np.full(shape, 100 if dtype is np.uint8 else 100 << 8, dtype)
    for image, wanted in ((to_gray(pixels), (6, 8)), (to_bgr(pixels), (6, 8, 3))):
        assert image.dtype == np.uint8
        assert image.shape == wanted
        assert (image == 100).all()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_arrays_of_other_kinds_are_refused(pixels):
    with pytest.raises(ImageError, match="expected"):
        to_gray(pixels)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
)
def test_any_damage_gives_a_picture_or_an_image_error(suffix, share, flips):
    data = bytearray(encode(suffix, photo(16, 24)))
    for where, value in flips:
        data[min(len(data) - 1, int(where * len(data)))] = value
    data = bytes(data[: int(share * len(data))]) if share < 0.7 else bytes(data)
    try:
        image = decode_image(data, "a")
    except ImageError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
