from __future__ import annotations

import numpy as np

from train.answers import Answers, ask_bundle
from train.faces import Faces


def test_pictures_of_one_size_or_many_get_the_same_answers(faces):
    part = faces.take(np.arange(3))
    listed = Faces(list(part.images), part.labels, part.votes, part.split, "a list")
    one, other = ask_bundle(None, part), ask_bundle(None, listed)
    for head in one.logits:
        assert np.array_equal(one.logits[head], other.logits[head])


def test_a_bundles_answers_are_calibrated_and_a_plain_models_are_not(faces):
    bundle = ask_bundle(None, faces.take(np.arange(3)))
    plain = Answers(bundle.logits)
    assert plain.threshold("ferplus") is None
    assert 0 <= bundle.threshold("ferplus") < 1
    assert plain.labels("five") == bundle.labels("five")
    for answers in (bundle, plain):
        assert np.allclose(answers.probabilities("happy").sum(axis=1), 1, atol=1e-5)
