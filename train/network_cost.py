"""What one inference costs: parameters, multiply-adds and bytes of a .tflite file, and its time beside another's."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final

import msgspec
import numpy as np

from edge.runtime import load_interpreter_class

CONVOLUTIONS: Final = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
WARM_UP: Final = 10
"""First runs that are not counted: they pack weights and fill caches."""


class Cost(msgspec.Struct, frozen=True):
    """The cost of a network."""

    parameters: int
    """Weights and biases of its convolutions and dense layers."""
    multiply_adds: int
    """Of one inference, in convolutions and dense layers."""
    bytes: int
    sha256: str
    median_ms: float
    """Of one inference on one thread of this machine, without preprocessing."""
    times_peer: float | None = None
    """Its median over the peer's, measured in turns in the same run."""


def count(model: bytes) -> tuple[int, int]:
    """Return parameters and multiply-adds of one inference, from the graph in a .tflite file."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    root = schema.Model.GetRootAsModel(model, 0)
    graph = root.Subgraphs(0)
    seen: dict[int, int] = {}
    total = 0
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = root.OperatorCodes(operator.OpcodeIndex())
        # Codes below 127 are in the older field of one byte.
        name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        if name not in CONVOLUTIONS:
            continue
        tensors = [int(operator.Inputs(place)) for place in range(1, operator.InputsLength())]
        seen |= {tensor: _size(graph, tensor) for tensor in tensors if tensor >= 0}
        weights = [int(size) for size in graph.Tensors(tensors[0]).ShapeAsNumpy()]
        output = _size(graph, int(operator.Outputs(0)))
        # Products an output value: all inputs in the window; depthwise weights are (1, rows, columns, channels).
        window = weights[1] * weights[2] if name == "DEPTHWISE_CONV_2D" else int(np.prod(weights[1:]))
        total += output * window
    return sum(seen.values()), total


def measure(models: dict[str, bytes], *, peer: str | None = None, runs: int = 60) -> dict[str, Cost]:
    """Return each network's cost; the runs take turns, so that other work on the machine hits all alike.

    Parameters
    ----------
    models: bytes of .tflite files by name.
    peer: the name whose time is 1.
    """
    interpreters = {name: _load(model) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for run in range(WARM_UP + runs):
        for name, interpreter in interpreters.items():
            start = time.perf_counter()
            interpreter.invoke()
            if run >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    medians = {name: float(np.median(values)) * 1e3 for name, values in times.items()}
    return {
        name: Cost(
            *count(model),
            len(model),
            hashlib.sha256(model).hexdigest(),
            medians[name],
            medians[name] / medians[peer] if peer in medians and name != peer else None,
        )
        for name, model in models.items()
    }


def _load(model: bytes) -> Any:
    interpreter = load_interpreter_class()(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))
    return interpreter


def _size(graph: Any, tensor: int) -> int:
    return int(np.prod(graph.Tensors(tensor).ShapeAsNumpy()))
