"""The only module that knows a TFLite runtime: it runs one int8 network and hands out its raw numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.errors import BundleError, RuntimeMissingError

RUNTIMES: Final = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite")
"""Tried in this order: the living successor, the one with armv7l wheels, the one training machines have."""


def load_interpreter_class() -> type[Any]:
    """Return the `Interpreter` class of the first runtime that imports.

    Raises
    ------
    RuntimeMissingError
        None does; the message has each one's reason.
    """
    from importlib import import_module

    reasons = []
    for name in RUNTIMES:
        try:
            interpreter: type[Any] = import_module(name).Interpreter
        except (ImportError, AttributeError) as error:
            reasons.append(f"{name.split('.', 1)[0]}: {error}")
        else:
            return interpreter
    raise RuntimeMissingError(
        f"no TFLite runtime could be imported ({'; '.join(reasons)})",
        expected="ai-edge-litert",
        fix="pip install ai-edge-litert (64-bit systems only; on Debian 12 with its own numpy add 'numpy<2')",
    )


@contextmanager
def _hushed_stderr() -> Iterator[None]:
    """Keep the runtime's native banner ("Created TensorFlow Lite XNNPACK delegate") from standard error.

    It has no switch for it: its logger writes to the file descriptor.
    """
    try:
        kept = os.dup(2)
    except OSError:  # There is no standard error to keep clean.
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class Network:
    """One int8 network with a batch of one; not for use from two threads at once.

    Parameters
    ----------
    model: the bytes of a .tflite file, already checked against a manifest's checksum.
    input_shape: (1, H, W, C) that the caller will write.
    output_sizes: number of values of each output tensor, in the interpreter's order; -1: any.
    name: for error messages.

    Raises
    ------
    BundleError
        The file is no TFLite network, or its tensors are not the promised ones.
    RuntimeMissingError
        No TFLite runtime is installed.
    """

    def __init__(
        self,
        model: bytes,
        *,
        input_shape: tuple[int, ...],
        output_sizes: dict[int, int],
        name: str,
        threads: int = 1,
    ) -> None:
        interpreter_class = load_interpreter_class()
        try:
            with _hushed_stderr():
                self._interpreter = interpreter_class(model_content=model, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BundleError(
                f"the network of {name} cannot be loaded ({reason})",
                expected="an int8 .tflite file",
                fix="convert it again with `python -m convert quantise`",
            ) from None
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self._check(input_shape, output_sizes, name)

    @property
    def input_quantisation(self) -> tuple[float, int]:
        """Scale and zero point of the input tensor, as the network itself says."""
        scale, zero_point = self._input["quantization"]
        return float(scale), int(zero_point)

    def output_quantisation(self, index: int) -> tuple[float, int]:
        """Scale and zero point of an output tensor, as the network itself says."""
        scale, zero_point = self._outputs[index]["quantization"]
        return float(scale), int(zero_point)

    def run(self, values: npt.NDArray[np.int8]) -> list[npt.NDArray[np.int8]]:
        """Run once.

        Parameters
        ----------
        values: int8 of the input's shape.

        Returns
        -------
        int8 (values,) for each output tensor, in the interpreter's order; copies.
        """
        self._interpreter.set_tensor(self._input["index"], values.reshape(self._input["shape"]))
        self._interpreter.invoke()
        return [
            np.asarray(self._interpreter.get_tensor(output["index"]), np.int8).reshape(-1)
            for output in self._outputs
        ]

    def _check(self, input_shape: tuple[int, ...], output_sizes: dict[int, int], name: str) -> None:
        fix = "convert the model again with `python -m convert quantise`, which writes both together"
        shape = tuple(int(size) for size in self._input["shape"])
        if shape != input_shape or self._input["dtype"] is not np.int8:
            raise BundleError(
                f"{name}: the network takes {np.dtype(self._input['dtype']).name} {shape}",
                expected=f"int8 {input_shape}, as the manifest says",
                fix=fix,
            )
        for index, size in output_sizes.items():
            if not 0 <= index < len(self._outputs):
                raise BundleError(
                    f"{name}: the network has {len(self._outputs)} outputs",
                    expected=f"an output number {index}, as the manifest says",
                    fix=fix,
                )
            output = self._outputs[index]
            found = int(np.prod(output["shape"]))
            if output["dtype"] is not np.int8 or (size >= 0 and found != size):
                raise BundleError(
                    f"{name}: output {index} is {np.dtype(output['dtype']).name} with {found} values",
                    expected=f"int8 with {size} values, one for each label in the manifest",
                    fix=fix,
                )
