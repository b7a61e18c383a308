from __future__ import annotations

import numpy as np
import pytest

from edge import EmotionClassifier
from edge.errors import BundleError, ImageError
from edge.labels import VIEW_LABELS
from edge.types import Face, Frame


@pytest.fixture(scope="module")
def classifier():
    return EmotionClassifier.load()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("view", VIEW_LABELS)
def test_each_view_gives_its_labels_probabilities(classifier, view):
    assert classifier.labels(view) == VIEW_LABELS[view]
    found = classifier.predict(noise(3, 48, 48), view=view)
    assert (found.shape, found.dtype) == ((3, len(VIEW_LABELS[view])), np.float32)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert found.min() >= 0


@pytest.mark.parametrize("shape", [(48, 48), (1, 1), (200, 150), (96, 96)])
def test_crops_of_any_size(classifier, shape):
    assert classifier.predict(noise(2, *shape)).shape == (2, 8)


def test_one_crop_is_a_batch_of_one(classifier):
    crop = noise(48, 48)
    np.testing.assert_array_equal(classifier.predict(crop), classifier.predict(crop[np.newaxis]))


def test_no_crop_gives_no_row(classifier):
    assert classifier.predict(np.empty((0, 48, 48), np.uint8)).shape == (0, 8)


def test_the_batch_makes_no_difference(classifier):
    crops = noise(4, 60, 60)
    one_by_one = np.concatenate([classifier.predict(crop) for crop in crops])
    np.testing.assert_array_equal(classifier.predict(crops), one_by_one)


def test_views_of_one_head_agree(classifier):
    crops = noise(20, 48, 48)
    fer2013, basic = classifier.predict(crops, "fer2013"), classifier.predict(crops, "basic")
    columns = [VIEW_LABELS["fer2013"].index(name) for name in VIEW_LABELS["basic"]]
    np.testing.assert_array_equal(fer2013[:, columns].argmax(axis=1), basic.argmax(axis=1))


@pytest.mark.parametrize(
    "faces",
    [
        np.zeros((2, 48, 48)),
        np.zeros((2, 48, 48, 3), np.uint8),
        np.zeros(48, np.uint8),
        np.zeros((1, 0, 5), np.uint8),
    ],
)
def test_another_shape_or_dtype_is_refused(classifier, faces):
    with pytest.raises(ImageError, match="uint8"):
        classifier.predict(faces)


def test_an_unknown_view_names_the_known(classifier):
    with pytest.raises(BundleError, match="ferplus"):
        classifier.predict(noise(1, 48, 48), view="moods")


def test_a_reading_is_the_prediction_of_the_cut_face(classifier):
    gray = noise(120, 160)
    frame = Frame(gray, 0, 1.5)
    reading = classifier.read(frame, Face((20, 30, 60, 60), 1.0, "f"), "happy")
    assert (reading.face_id, reading.at_s, reading.labels) == ("f", 1.5, ("happy", "not_happy"))
    np.testing.assert_array_equal(reading.probabilities, classifier.predict(gray[30:90, 20:80], "happy")[0])


def test_it_does_not_say_one_word_to_everyone(classifier, data_dir):
    data = np.load(data_dir / "fer2013.npz")
    chosen = np.flatnonzero(data["usage"] == 2)[:400]
    found = classifier.predict(data["image"][chosen], "fer2013").argmax(axis=1)
    shares = np.bincount(found, minlength=7) / len(found)
    assert shares.max() < 0.5
    assert np.count_nonzero(shares > 0.03) >= 5
