from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.errors import DataError
from edge.labels import FER2013_HEAD
from train.data import load
from train.faces import PRIVATE, PUBLIC, TRAIN


def write(folder, faces, *, prefix=""):
    for index, (image, label, split) in enumerate(zip(faces.images, faces.labels, faces.split, strict=True)):
        directory = folder / ("train" if split == TRAIN else "test") / FER2013_HEAD[label]
        directory.mkdir(parents=True, exist_ok=True)
        name = {TRAIN: "Training", PUBLIC: "PublicTest", PRIVATE: "PrivateTest"}[split]
        cv2.imwrite(str(directory / f"{prefix or name}_{index}.png"), image)
    return folder


def test_kaggles_tree_gives_all_three_splits(tmp_path, faces):
    found = load(write(tmp_path, faces))
    assert len(found) == 56
    assert [found.counts(split) for split in ("train", "public", "private")] == [
        faces.counts(split) for split in ("train", "public", "private")
    ]
    assert found.votes.sum() == 0
    assert sorted(image.tobytes() for image in found.images) == sorted(
        image.tobytes() for image in faces.images
    )


def test_without_a_selection_split_some_training_pictures_select(tmp_path, faces):
    found = load(write(tmp_path, faces, prefix="x"))
    assert len(found.rows("private")) == 28
    assert 0 < len(found.rows("public")) < 14
    again = load(tmp_path)
    assert np.array_equal(found.split, again.split)


def test_pictures_of_any_size_and_colour_and_other_names_for_classes(tmp_path):
    for split in ("train", "validation", "test"):
        (tmp_path / split / "Happiness").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / split / "Happiness" / "a.jpg"), np.full((30, 70, 3), 90, np.uint8))
    found = load(tmp_path)
    assert [image.shape for image in found.images] == [(30, 70)] * 3
    assert set(found.labels) == {FER2013_HEAD.index("happy")}
    assert sorted(found.split) == [TRAIN, PUBLIC, PRIVATE]


def test_a_folder_without_train_is_refused(tmp_path):
    with pytest.raises(DataError, match="no folder 'train'"):
        load(tmp_path)


def test_an_unknown_label_names_the_nearest(tmp_path):
    (tmp_path / "train" / "hapy").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"unknown label 'hapy'; expected one of angry.*did you mean 'happy'\?"
    ):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"])
def test_an_unreadable_picture_is_named(tmp_path, content):
    (tmp_path / "train" / "happy").mkdir(parents=True)
    (tmp_path / "train" / "happy" / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png \(\d+ bytes\) is no readable picture"):
        load(tmp_path)


def test_no_pictures_are_refused(tmp_path):
    (tmp_path / "train" / "happy").mkdir(parents=True)
    (tmp_path / "train" / "happy" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="holds no pictures"):
        load(tmp_path)
