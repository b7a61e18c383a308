"""The bundles that the package ships keep what README and issue promise, measured by the device's own class."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest

from edge.bundle import bundled_path, load_bundle
from edge.classifier import EmotionClassifier
from edge.errors import BundleError
from edge.labels import VIEW_LABELS
from train.answers import ask_bundle
from train.data import load
from train.metrics import accuracy
from train.truth import TEST_VIEW, truth

LEAST_FER2013 = 0.66
LEAST_FERPLUS_MAJORITY = 0.82
LARGEST_DROP = 0.007
LARGEST_BYTES = {"emotion": 1_500_000, "emotion-small": 400_000}
SHIPPED = tuple(LARGEST_BYTES)


@pytest.fixture(scope="module")
def private(data_dir):
    faces = load(data_dir / "fer2013.npz")
    return faces.take(faces.rows("private"))


@pytest.fixture(scope="module")
def answers(private):
    return ask_bundle(None, private)


def measured(answers, private, test):
    right = truth(test, private)
    counts = right >= 0
    return accuracy(answers.probabilities(TEST_VIEW[test])[counts], right[counts])


@pytest.mark.parametrize(
    ("test", "least"), [("fer2013", LEAST_FER2013), ("ferplus_majority", LEAST_FERPLUS_MAJORITY)]
)
def test_private_test_reaches_the_promise(answers, private, test, least):
    assert measured(answers, private, test) >= least


@pytest.mark.parametrize("name", SHIPPED)
def test_the_manifests_figures_are_what_is_measured(answers, private, name):
    written = load_bundle(name).manifest.scores["int8"]["private"]
    answers = answers if name == "emotion" else ask_bundle(bundled_path(name), private)
    for test, row in written.items():
        # Runtimes may round one int8 step differently: a handful of faces near a tie.
        assert measured(answers, private, test) == pytest.approx(row["accuracy"], abs=0.003)


def test_probabilities_are_what_predict_gives(answers, private):
    classifier = EmotionClassifier.load()
    for view in VIEW_LABELS:
        assert np.allclose(
            classifier.predict(private.images[:20], view), answers.probabilities(view)[:20], atol=1e-5
        )


@pytest.mark.parametrize("name", SHIPPED)
def test_quantisation_costs_no_more_than_promised(name):
    scores = load_bundle(name).manifest.scores
    for test in ("fer2013", "ferplus_majority"):
        assert scores["float"]["private"][test] - scores["int8"]["private"][test]["accuracy"] <= LARGEST_DROP


@pytest.mark.parametrize("name", SHIPPED)
def test_size_and_operations(name):
    from convert.tflite import ALLOWED_OPERATIONS, operations

    bundle = load_bundle(name)
    assert len(bundle.model) < LARGEST_BYTES[name]
    found = operations(bundle.model)
    assert found.keys() <= ALLOWED_OPERATIONS
    assert found["CONV_2D"] >= 10


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_names_data_licences_limits_and_law(name):
    text = (bundled_path(name) / "CARD.md").read_text()
    for words in (
        "FER2013",
        "MIT licence",
        "Art. 5(1)(f)",
        "at work and in education",
        "sha256",
        "PrivateTest",
    ):
        assert words in text
    assert load_bundle(name).manifest.model.sha256 in text


def test_a_float_network_in_a_right_manifest_is_refused(tmp_path):
    """What is on the device is int8: a float network of the same shape, checksum and all, does not get in."""
    import keras
    import tensorflow as tf

    bundle = load_bundle()
    inputs = keras.Input((48, 48, 1), batch_size=1)
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    heads = [keras.layers.Dense(len(head.labels))(pooled) for head in bundle.manifest.heads]
    network = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, heads)).convert()
    folder = tmp_path / "float"
    shutil.copytree(bundle.path, folder)
    (folder / "model.tflite").write_bytes(network)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model"] |= {"sha256": hashlib.sha256(network).hexdigest(), "bytes": len(network)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"takes float32 .*expected int8"):
        EmotionClassifier.load(folder)
