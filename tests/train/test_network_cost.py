from __future__ import annotations

import pytest

from edge.bundle import load_bundle
from edge.errors import BundleError


def test_counts_agree_with_the_keras_models_and_times_with_the_peers():
    pytest.importorskip("tensorflow")
    from train.network_cost import count, measure

    try:
        bundle = load_bundle()
    except BundleError:
        pytest.skip("needs the shipped bundle")
    parameters, multiply_adds = count(bundle.model)
    provenance = bundle.manifest.provenance
    assert parameters == pytest.approx(provenance["parameters"], rel=0.01)
    assert multiply_adds == provenance["multiply_adds"]
    found = measure({"a": bundle.model, "b": bundle.model}, peer="b", runs=5)
    assert found["b"].times_peer is None
    assert 0.2 < found["a"].times_peer < 5
    assert found["a"].sha256 == bundle.manifest.model.sha256
