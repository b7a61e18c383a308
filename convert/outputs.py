"""Which output of a .tflite is which head: the converter keeps neither order nor names."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.bundle import Head, Quantisation
from edge.errors import BundleError
from edge.preprocess import quantise
from edge.runtime import Network

PROBES = 16


def find_heads(
    model: bytes, folded: Any, heads: dict[str, tuple[str, ...]], faces: npt.NDArray[np.uint8]
) -> tuple[Quantisation, tuple[Head, ...]]:
    """Match outputs to heads by running both networks on some faces; temperatures are 1.

    Parameters
    ----------
    faces: uint8 (N, size, size), preprocessed.

    Raises
    ------
    BundleError
        The outputs do not fit the heads.
    """
    size = faces.shape[1]
    network = Network(
        model,
        input_shape=(1, size, size, 1),
        output_sizes=dict.fromkeys(range(len(heads)), -1),
        name="the converted network",
    )
    scale, zero_point = network.input_quantisation
    if abs(scale * 255 - 1) > 1e-4 or zero_point != -128:
        raise BundleError(
            f"the network's input has scale {scale:.6g} and zero point {zero_point}",
            expected="1/255 and -128",
            fix="calibrate on faces that span the full range of pixels",
        )
    probes = faces[:PROBES]
    wanted = {
        name: np.asarray(value)
        for name, value in folded(probes[..., None].astype(np.float32) / 255.0).items()
    }
    raw = [network.run(quantise(face, scale, zero_point)) for face in probes]
    quantisations = [network.output_quantisation(index) for index in range(len(heads))]
    found = [
        (np.stack([row[i] for row in raw]).astype(np.float32) - zero) * step
        for i, (step, zero) in enumerate(quantisations)
    ]
    best: tuple[float, tuple[int, ...]] | None = None
    for order in permutations(range(len(heads))):
        pairs = [(found[i], wanted[name]) for i, name in zip(order, heads, strict=True)]
        if all(a.shape == b.shape for a, b in pairs):
            distance = sum(float(np.abs(a - b).mean()) for a, b in pairs)
            if best is None or distance < best[0]:
                best = (distance, order)
    if best is None:
        raise BundleError(
            f"the converted network has outputs of {[f.shape[1] for f in found]} values",
            expected=f"{[len(labels) for labels in heads.values()]}",
        )
    result = []
    for index, (name, labels) in zip(best[1], heads.items(), strict=True):
        step, zero = quantisations[index]
        result.append(Head(name, index, labels, Quantisation(step, zero), 1.0))
    return Quantisation(scale, zero_point), tuple(result)
