from __future__ import annotations

import csv
import io
import itertools
import zipfile

import cv2
import numpy as np
import pytest

from edge import FaceFinder
from edge.errors import CascadeError, ImageError
from edge.finder import Finder
from edge.settings import FinderSettings
from edge.types import Frame

RATE_HZ = 10


@pytest.fixture(scope="module")
def portrait(data_dir):
    """One smiling person, gray, 256x256."""
    image = cv2.imread(str(data_dir / "open/london/001_smiling.jpg"), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)


def finder(**changes):
    counter = itertools.count(1)
    return Finder(FinderSettings(**changes), lambda: f"f{next(counter)}")


def scene(*placed):
    gray = np.full((480, 640), 110, np.uint8)
    for portrait, x, y in placed:
        gray[y : y + portrait.shape[0], x : x + portrait.shape[1]] = portrait
    return gray


def play(find, grays, start_s=0.0):
    return [find.find(Frame(gray, i, start_s + i / RATE_HZ)) for i, gray in enumerate(grays)]


def test_a_person_who_walks_keeps_one_id(portrait):
    find = finder()
    found = play(find, [scene((portrait, 20 + 8 * i, 60)) for i in range(40)])
    assert {face.face_id for faces in found for face in faces} == {"f1"}
    assert sum(bool(faces) for faces in found) > 35
    x, y, width, height = found[-1][0].box
    centre = (20 + 8 * 39 + 128, 60 + 140)
    assert abs(x + width / 2 - centre[0]) < 30
    assert abs(y + height / 2 - centre[1]) < 40


def test_a_person_who_comes_back_within_a_second_keeps_the_id(portrait):
    find = finder()
    there, empty = scene((portrait, 100, 60)), scene()
    found = play(find, [there] * 10 + [empty] * 7 + [there] * 10)
    assert {face.face_id for faces in found for face in faces} == {"f1"}


def test_one_who_stays_away_is_gone_and_later_somebody_else(portrait):
    find = finder()
    there, empty = scene((portrait, 100, 60)), scene()
    found = play(find, [there] * 10 + [empty] * 25 + [there] * 10)
    assert found[33] == []
    assert {face.face_id for faces in found for face in faces} == {"f1", "f2"}


def test_a_still_scene_is_searched_at_the_heartbeat_only():
    find = finder(heartbeat_s=1.0)
    play(find, [scene()] * 51)
    assert 5 <= find.searches <= 7


def test_a_newcomer_beside_a_known_face_is_found(portrait):
    small = cv2.resize(portrait, (200, 200))
    find = finder()
    one, two = scene((small, 40, 80)), scene((small, 40, 80), (small, 380, 120))
    found = play(find, [one] * 10 + [two] * 15)
    assert len({face.face_id for face in found[9]}) == 1
    assert len({face.face_id for face in found[-1]}) == 2


def test_another_picture_size_starts_anew(portrait):
    find = finder()
    play(find, [scene((portrait, 100, 60))] * 5)
    larger = np.pad(scene((portrait, 100, 60)), ((0, 240), (0, 320)))
    found = play(find, [larger] * 5, start_s=0.5)
    assert {face.face_id for faces in found for face in faces} == {"f2"}


def test_a_face_at_the_border_is_no_error(portrait):
    find = finder()
    half = scene()
    half[60:316, :180] = portrait[:, 76:]
    play(find, [half] * 5 + [half[:, ::-1].copy()] * 5)


@pytest.mark.parametrize("size", [(1, 1), (10, 20_000), (20_000, 10), (23, 23), (0, 0)])
def test_still_pictures_of_odd_sizes(size):
    image = np.zeros((*size, 3), np.uint8)
    if 0 in size:
        with pytest.raises(ImageError):
            FaceFinder().find(image)
    else:
        assert FaceFinder().find(image) == []


@pytest.mark.parametrize("image", [np.zeros((9, 9)), np.zeros((9, 9, 4), np.uint8), np.zeros(9, np.uint8)])
def test_another_kind_of_array_is_refused(image):
    with pytest.raises(ImageError, match="BGR"):
        FaceFinder().find(image)


def test_a_missing_or_wrong_cascade_is_named(tmp_path):
    with pytest.raises(CascadeError, match="nowhere"):
        FaceFinder(cascade=str(tmp_path / "nowhere.xml"))
    wrong = tmp_path / "wrong.xml"
    wrong.write_text("<a/>")
    with pytest.raises(CascadeError, match="no Haar cascade"):
        FaceFinder(cascade=str(wrong))


def test_faces_in_real_photos_are_found(data_dir):
    """Recall and wrong boxes on the photos of the test people; the bars are those of the cascade alone."""
    find, hits, wrong, photos = FaceFinder(), 0, 0, 0
    with zipfile.ZipFile(data_dir / "head_and_shoulders.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("faces.csv").decode())))
        for row in rows[::4]:
            image = cv2.imdecode(np.frombuffer(archive.read(row["file"]), np.uint8), cv2.IMREAD_COLOR)
            truth = [float(row[name]) for name in ("x0", "y0", "x1", "y1")]
            centre = ((truth[0] + truth[2]) / 2, (truth[1] + truth[3]) / 2)
            right = [
                x <= centre[0] <= x + w and y <= centre[1] <= y + h
                for x, y, w, h in (face.box for face in find.find(image))
            ]
            hits, wrong, photos = hits + any(right), wrong + right.count(False), photos + 1
    assert hits / photos >= 0.97
    assert wrong / photos <= 0.05
