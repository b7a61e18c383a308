"""TensorBoard event files, written without TensorFlow so that every backend has them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


class Journal:
    """Scalars of a run under `folder`; open it with `tensorboard --logdir`."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter  # type: ignore[import-untyped]

        folder.mkdir(parents=True, exist_ok=True)
        self._writer: Any = EventFileWriter(str(folder))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Write the values of one step."""
        from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
        from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

        items = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=items)))

    def close(self) -> None:
        """Write out what is buffered."""
        self._writer.close()
