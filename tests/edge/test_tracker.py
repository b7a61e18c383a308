from __future__ import annotations

import itertools

from edge.tracker import Tracker


def tracker(**changes):
    counter = itertools.count(1)
    options = {"keep_lost_s": 1.0, "max_faces": 5, "new_id": lambda: f"f{next(counter)}"} | changes
    return Tracker(**options)


def ids(faces):
    return [face.face_id for face in faces]


def see(tracks, at_s, *boxes):
    tracks.update([(box, 0.9) for box in boxes], at_s)
    return tracks.faces(at_s)


def test_a_face_counts_when_it_was_found_twice():
    tracks = tracker()
    assert see(tracks, 0.0, (10, 10, 50, 50)) == []
    assert ids(see(tracks, 0.2, (12, 10, 50, 50))) == ["f1"]


def test_a_wrong_box_that_comes_once_is_forgotten():
    tracks = tracker()
    see(tracks, 0.0, (10, 10, 50, 50))
    assert see(tracks, 1.0) == []
    assert tracks.boxes == []


def test_it_keeps_its_id_while_it_moves():
    tracks = tracker()
    found = [see(tracks, i * 0.2, (10 + 12 * i, 10, 50, 50)) for i in range(10)]
    assert {face.face_id for faces in found for face in faces} == {"f1"}


def test_it_keeps_its_id_over_a_short_absence_only():
    tracks = tracker()
    for at_s in (0.0, 0.2):
        see(tracks, at_s, (10, 10, 50, 50))
    (remembered,) = see(tracks, 0.8)
    assert (remembered.face_id, remembered.seen) == ("f1", False)
    assert ids(see(tracks, 1.1, (12, 10, 50, 50))) == ["f1"]
    assert see(tracks, 2.3) == []
    see(tracks, 2.4, (12, 10, 50, 50))
    assert ids(see(tracks, 2.6, (12, 10, 50, 50))) == ["f2"]


def test_two_people_are_not_mixed_up():
    tracks = tracker()
    for at_s in (0.0, 0.2, 0.4):
        faces = see(tracks, at_s, (200, 10, 50, 50), (10, 10, 60, 60))
    assert sorted((face.box[0] > 100, face.face_id) for face in faces) == [(False, "f1"), (True, "f2")]


def test_a_box_within_a_known_face_is_no_second_person():
    tracks = tracker()
    for at_s in (0.0, 0.2, 0.4):
        faces = see(tracks, at_s, (10, 10, 100, 100), (40, 40, 30, 30))
    assert ids(faces) == ["f1"]


def test_the_largest_are_kept():
    tracks = tracker(max_faces=2)
    for at_s in (0.0, 0.2):
        faces = see(tracks, at_s, (0, 0, 30, 30), (100, 0, 60, 60), (300, 0, 40, 40))
    assert [face.box[2] for face in faces] == [60, 40]
