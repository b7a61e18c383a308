"""From a Keras model to an int8 .tflite: int8 in, int8 out, weights per channel, batch of one."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.errors import BundleError

ALLOWED_OPERATIONS: Final = frozenset({"CONV_2D", "ADD", "MEAN", "RESHAPE"})
"""What XNNPACK runs in int8, and all that the network needs. MUL would be a normalisation left unfolded."""


def quantise(model: Any, calibration: npt.NDArray[np.uint8]) -> bytes:
    """Quantise after training, with ranges from the calibration faces.

    Parameters
    ----------
    model: folded Keras model.
    calibration: uint8 (N, size, size), preprocessed.

    Raises
    ------
    BundleError
        An operation is left that int8 runtimes do not do fast, or the input range is not full.
    """
    import keras
    import tensorflow as tf

    shape = (1, *model.input_shape[1:])

    def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
        for face in calibration:
            yield [face.astype(np.float32).reshape(shape) / np.float32(255.0)]

    with tempfile.TemporaryDirectory() as folder:
        # An endpoint of fixed batch: `model.export` fails obscurely, and a free batch adds shape arithmetic.
        archive = keras.export.ExportArchive()
        archive.track(model)
        archive.add_endpoint(
            "serve",
            lambda face: model(face, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        converted = bytes(converter.convert())
    strays = operations(converted).keys() - ALLOWED_OPERATIONS
    if strays:
        raise BundleError(
            f"the converted network has {', '.join(sorted(strays))}",
            expected=f"only {', '.join(sorted(ALLOWED_OPERATIONS))}",
            fix="build it from convolution, BatchNormalization, ReLU, add and mean",
        )
    return converted


def operations(model: bytes) -> Counter[str]:
    """Count the operations of a .tflite file by name."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    root = schema.Model.GetRootAsModel(model, 0)
    graph = root.Subgraphs(0)
    found: Counter[str] = Counter()
    for index in range(graph.OperatorsLength()):
        code = root.OperatorCodes(graph.Operators(index).OpcodeIndex())
        # Codes below 127 are in the older field of one byte.
        found[names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]] += 1
    return found
