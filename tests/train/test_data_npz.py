from __future__ import annotations

import numpy as np
import pytest

from edge.errors import DataError
from train.data import load


def write(path, faces, **changes):
    arrays = {
        "image": faces.images,
        "emotion": faces.labels.astype(np.uint8),
        "ferplus_votes": faces.votes,
        "usage": faces.split,
    } | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_reads_what_was_written(tmp_path, faces):
    found = load(write(tmp_path / "f.npz", faces))
    assert np.array_equal(found.images, faces.images)
    assert np.array_equal(found.labels, faces.labels)
    assert np.array_equal(found.votes, faces.votes)
    assert np.array_equal(found.split, faces.split)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"usage": None}, r"no array 'usage'"),
        ({"image": None}, r"no array 'image'"),
        ({"image": np.zeros((0, 48, 48), np.uint8)}, r"not empty"),
        ({"image": np.zeros((56, 48, 48), np.float32)}, r"image is float32 \(56, 48, 48\); expected uint8"),
        ({"emotion": np.zeros(55, np.uint8)}, r"emotion has shape \(55,\); expected shape \(56,\)"),
        ({"emotion": np.full(56, 7, np.uint8)}, r"emotion\[0\] is 7; expected 0 to 6"),
        ({"usage": np.full(56, 3, np.uint8)}, r"usage\[0\] is 3; expected 0 to 2"),
        ({"ferplus_votes": np.zeros((56, 8), np.uint8)}, r"ferplus_votes has shape \(56, 8\)"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, faces, changes, message):
    with pytest.raises(DataError, match=message):
        load(write(tmp_path / "f.npz", faces, **changes))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_damaged_archive_is_refused(tmp_path, content):
    path = tmp_path / "f.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"f\.npz"):
        load(path)
