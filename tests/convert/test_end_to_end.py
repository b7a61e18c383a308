"""From real faces to a bundle that the device's class reads: fit, resume, quantise, compare, evaluate."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convert.__main__ import main as convert
from edge.bundle import load_bundle
from edge.classifier import EmotionClassifier
from edge.errors import BundleError
from train.__main__ import main as train
from train.data import load
from train.faces import SPLITS

pytest.importorskip("tensorflow")

from convert.tflite import ALLOWED_OPERATIONS, operations


@pytest.fixture
def few(tmp_path, data_dir):
    """A part of the real data, in the real format: decompressing all of it five times would be most of the test."""
    faces = load(data_dir / "fer2013.npz")
    rows = np.concatenate([faces.rows(split)[:400] for split in SPLITS])
    part = faces.take(rows)
    path = tmp_path / "few.npz"
    labels = part.labels.astype(np.uint8)
    np.savez(path, image=part.images, emotion=labels, ferplus_votes=part.votes, usage=part.split)
    return path


def test_a_network_goes_all_the_way(tmp_path, few, tiny_recipe, capsys):
    data = str(few)
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    model = str(run / "model.keras")
    fit = ["fit", "--data", data, "--recipe", str(tiny_recipe), "--out", str(run), "--limit", "280"]
    assert train([*fit, "--epochs", "1"]) == 0
    assert train([*fit, "--epochs", "1", "--resume"]) == 0
    assert train([*fit, "--epochs", "2", "--resume"]) == 9, "a changed recipe"
    assert "training.epochs: 1 -> 2" in capsys.readouterr().err

    quantise = [
        "quantise",
        "--model",
        model,
        "--data",
        data,
        "--out",
        str(bundle),
        "--name",
        "tiny",
        "--limit",
        "200",
    ]
    assert convert(quantise) == 0
    loaded = load_bundle(bundle)
    assert loaded.manifest.name == "tiny"
    assert loaded.manifest.provenance["run"]["epochs_done"] == 1
    assert {path.name for path in bundle.iterdir()} == {"model.tflite", "manifest.json", "CARD.md"}
    assert operations(loaded.model).keys() <= ALLOWED_OPERATIONS
    assert str(tmp_path) not in (bundle / "CARD.md").read_text() + (bundle / "manifest.json").read_text()

    capsys.readouterr()
    compare = [
        "compare",
        "--model",
        model,
        "--bundle",
        str(bundle),
        "--data",
        data,
        "--limit",
        "200",
        "--json",
    ]
    assert convert([*compare, "--sheet", str(tmp_path / "worst.png")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["private"]["heads"]["fer2013"]["mean_difference"] < 0.2
    assert (tmp_path / "worst-private.png").is_file()

    evaluate = ["evaluate", "--data", data, "--limit", "200", "--json"]
    assert train([*evaluate, "--bundle", str(bundle), "--plots", str(tmp_path / "plots")]) == 0
    report = json.loads(capsys.readouterr().out)
    measured = report["splits"]["private"]["fer2013"]["accuracy"]
    assert measured == pytest.approx(
        loaded.manifest.scores["int8"]["private"]["fer2013"]["accuracy"], abs=1e-4
    )
    assert train([*evaluate, "--model", model]) == 0

    classifier = EmotionClassifier.load(bundle)
    answers = classifier.predict(np.zeros((2, 60, 60), np.uint8), view="basic")
    assert answers.shape == (2, 4)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)

    damaged = bytearray(loaded.model)
    damaged[-1] ^= 1
    (bundle / "model.tflite").write_bytes(bytes(damaged))
    with pytest.raises(BundleError, match="damaged or was replaced"):
        EmotionClassifier.load(bundle)
