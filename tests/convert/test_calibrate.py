from __future__ import annotations

import numpy as np
import pytest

from convert.calibrate import calibrate, plain_views, scores
from edge.bundle import Head, Manifest, ModelFile, Quantisation
from edge.errors import DataError
from edge.labels import HEADS
from edge.preprocess import InputSpec
from train.answers import Answers
from train.recipe import ConversionRecipe


@pytest.fixture
def manifest():
    unit = Quantisation(1.0, 0)
    heads = tuple(Head(name, i, labels, unit, 1.0) for i, (name, labels) in enumerate(HEADS.items()))
    return Manifest(1, "emotion", "t", "1", ModelFile("m", "", 0), InputSpec(), unit, heads, plain_views())


@pytest.fixture
def answers(faces):
    """Logits that are right about four times in five and far too sure."""
    random = np.random.default_rng(0)
    logits = {}
    for head, truth in (("ferplus", faces.votes.argmax(axis=1)), ("fer2013", faces.labels)):
        values = random.normal(0, 3, (len(faces), len(HEADS[head]))).astype(np.float32)
        values[np.arange(len(faces)), truth] += 8
        logits[head] = values * 4
    return Answers(logits)


def test_temperatures_cool_a_network_that_is_too_sure(manifest, answers, faces):
    found = calibrate(manifest, answers, faces, ConversionRecipe())
    assert all(head.temperature > 1.5 for head in found.heads)
    before, after = (scores(m, answers, faces)["fer2013"] for m in (manifest, found))
    assert after.ece < before.ece
    assert after.accuracy == before.accuracy


def test_thresholds_keep_the_recipes_coverage(manifest, answers, faces):
    recipe = ConversionRecipe(least_coverage=0.9)
    found = calibrate(manifest, answers, faces, recipe)
    assert all(row.coverage >= 0.9 for row in scores(found, answers, faces).values())


def test_public_faces_without_votes_are_refused(manifest, answers, faces):
    faces.votes[:] = 0
    with pytest.raises(DataError, match=r"no PublicTest face has a label for the head 'ferplus'.*--ferplus"):
        calibrate(manifest, answers, faces, ConversionRecipe())
