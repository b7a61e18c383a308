"""Checkpoints that survive: written beside the old one and moved over it, so that there is always a whole one."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from edge.errors import TrainingError
from train.recipe import Recipe, difference

STATE_NAME = "state.npz"
PROGRESS_NAME = "progress.json"
BEST_NAME = "model.keras"


class Progress(msgspec.Struct, forbid_unknown_fields=True):
    """Where a run stands."""

    recipe: Recipe
    data: str = ""
    epochs_done: int = 0
    ema_steps: int = 0
    wall_s: float = 0.0
    best_epoch: int = 0
    best_score: float = -1.0
    limit: int | None = None
    history: list[dict[str, float]] = []


State = dict[str, list[npt.NDArray[Any]]]


def save(folder: Path, progress: Progress, state: State) -> None:
    """Write progress and arrays; the checkpoint that was there stays until the new one is complete on disk.

    Raises
    ------
    TrainingError
        The disk is full or not writable; the last good checkpoint is kept.
    """
    arrays = {
        f"{group}_{index:04d}": array for group, values in state.items() for index, array in enumerate(values)
    }
    arrays["progress"] = np.frombuffer(msgspec.json.encode(progress), np.uint8)

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    readable = msgspec.json.format(msgspec.json.encode(progress), indent=1)
    _replace(folder / STATE_NAME, write)
    _replace(folder / PROGRESS_NAME, lambda path: path.write_bytes(readable))


def save_model(path: Path, model: Any) -> None:
    """Write a Keras model the same way.

    Raises
    ------
    TrainingError
        See `save`.
    """
    _replace(path, model.save)


def load(folder: Path) -> tuple[Progress, State]:
    """Read the checkpoint of a run.

    Raises
    ------
    TrainingError
        There is none, or it is not one.
    """
    path = folder / STATE_NAME
    try:
        with np.load(path) as archive:
            progress = msgspec.json.decode(archive["progress"].tobytes(), type=Progress)
            state: State = {}
            for name in sorted(archive.files):
                if name != "progress":
                    state.setdefault(name.rsplit("_", 1)[0], []).append(archive[name])
    except FileNotFoundError:
        raise TrainingError(f"no checkpoint at {path}", fix="start the run without --resume") from None
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        msgspec.MsgspecError,
        json.JSONDecodeError,
    ) as error:
        raise TrainingError(
            f"{path} is no checkpoint of this version ({error})", fix="start the run again"
        ) from None
    return progress, state


def refuse_change(found: Recipe, wanted: Recipe) -> None:
    """Refuse to go on with another recipe than the one a run was started with; conversion comes later and may change.

    Raises
    ------
    TrainingError
        Every difference, value by value.
    """
    lines = difference(msgspec.structs.replace(found, conversion=wanted.conversion), wanted)
    if lines:
        raise TrainingError(
            "the recipe changed since this run started: " + ", ".join(lines),
            fix="restore the recipe, or start a new run in another --out",
        )


def _replace(path: Path, write: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        kept = "the last good checkpoint is kept" if path.exists() else "there is no earlier one"
        reason = error.strerror or str(error)
        raise TrainingError(
            f"cannot write {path}: {reason}; {kept}", fix="free some space, then go on with --resume"
        ) from None
