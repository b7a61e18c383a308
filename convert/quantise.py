"""From a trained Keras model to a calibrated bundle: fold, quantise, match, calibrate, measure, write."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from convert.calibrate import calibrate, plain_views, scores
from convert.calibration import COMMITTED, committed_or_chosen, inputs
from convert.card import card
from convert.fold import fold
from convert.outputs import find_heads
from convert.tflite import quantise
from convert.write import model_file, write_bundle
from edge.bundle import SCHEMA, Manifest
from edge.errors import DataError
from edge.labels import HEADS
from train.answers import Answers, ask_bundle, ask_keras, load_keras_model
from train.checkpoint import PROGRESS_NAME, Progress
from train.faces import NO_LABEL, Faces
from train.metrics import accuracy
from train.model import multiply_adds
from train.recipe import Recipe
from train.truth import TEST_VIEW, TESTS, truth

REPORTED = ("public", "private")


@dataclass(frozen=True)
class Request:
    """What `python -m convert quantise` was asked for."""

    model: Path
    faces: Faces
    out: Path
    name: str
    version: str
    recipe: Recipe
    """Training as the run's progress.json says, if there is one beside the model; conversion as asked for."""
    progress: Progress | None
    machine: str
    limit: int | None = None
    """Measure on so many faces of each split only, for a quick try."""


def read_progress(model: Path) -> Progress | None:
    """Return what the run that wrote the model says of itself, if its progress.json lies beside it."""
    path = model.with_name(PROGRESS_NAME)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(
            f"{path}: {error}", expected="the progress.json of a run", fix="remove or restore it"
        ) from None


def make_bundle(request: Request) -> Manifest:
    """Make the bundle and return its manifest; PublicTest calibrates, PrivateTest is only measured.

    Raises
    ------
    DataError, BundleError
        The data or the model do not fit; nothing is written over an older bundle then.
    """
    recipe, faces = request.recipe, request.faces
    exact = load_keras_model(request.model)
    indices, committed = committed_or_chosen(faces, recipe.conversion.calibration_faces)
    if not committed:
        _say(
            f"the committed calibration rows are for other data: {len(indices.rows)} chosen with seed {indices.seed}"
        )
    pixels = inputs(faces, indices, recipe.input)
    folded = fold(exact)
    _say(f"quantising on {len(pixels)} training faces")
    model = quantise(folded, pixels)
    scale, heads = find_heads(model, folded, HEADS, pixels)
    manifest = Manifest(
        schema=SCHEMA,
        kind="emotion",
        name=request.name,
        version=request.version,
        model=model_file(model),
        input=recipe.input,
        input_quantisation=scale,
        heads=heads,
        views=plain_views(),
    )
    splits = {split: faces.take(faces.rows(split)[: request.limit]) for split in REPORTED}
    _say(
        "measuring int8 and float on " + ", ".join(f"{len(part):,} {split}" for split, part in splits.items())
    )
    raw = _ask_int8(manifest, model, splits)
    manifest = calibrate(manifest, raw["public"], splits["public"], recipe.conversion)
    measured = {
        "int8": {split: scores(manifest, raw[split], part) for split, part in splits.items()},
        "float": {split: _float_scores(exact, part, recipe) for split, part in splits.items()},
    }
    where = f"convert/{COMMITTED.name}" if committed else f"chosen with seed {indices.seed}"
    manifest = msgspec.structs.replace(
        manifest,
        scores=msgspec.to_builtins(measured),
        provenance=_provenance(request, folded, {"faces": len(indices.rows), "indices": where}),
    )
    write_bundle(request.out, manifest, model, card(manifest))
    return manifest


def _ask_int8(manifest: Manifest, model: bytes, splits: dict[str, Faces]) -> dict[str, Answers]:
    """Return the answers of the device's own class, from a bundle that nobody else sees."""
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "bundle", manifest, model)
        return {
            split: ask_bundle(Path(folder) / "bundle", part) for split, part in splits.items() if len(part)
        }


def _float_scores(model: Any, faces: Faces, recipe: Recipe) -> dict[str, float]:
    answers = ask_keras(model, faces, recipe.input)
    found = {}
    for test in TESTS:
        right = truth(test, faces)
        counts = right != NO_LABEL
        if counts.any():
            found[test] = round(accuracy(answers.probabilities(TEST_VIEW[test])[counts], right[counts]), 4)
    return found


def _provenance(request: Request, folded: Any, calibration: dict[str, Any]) -> dict[str, Any]:
    progress, model, data = request.progress, request.model.name, Path(request.faces.source).name
    run = None
    if progress is not None:
        run = {
            "data": Path(progress.data).name,
            "epochs_done": progress.epochs_done,
            "best_epoch": progress.best_epoch,
            "wall_s": round(progress.wall_s),
            "limit": progress.limit,
        }
    training = request.recipe.training
    out = request.out.name if request.out.is_absolute() else request.out.as_posix()
    recipe_name = request.recipe.network.name
    named = f"--name {request.name} --recipe {recipe_name}"
    fit = f"python -m train fit --recipe {recipe_name} --data {data} --out runs/{recipe_name} --seed {training.seed}"
    return {
        "recipe": msgspec.to_builtins(request.recipe),
        **({"run": run} if run else {}),
        "machine": request.machine,
        "parameters": int(folded.count_params()),
        "multiply_adds": multiply_adds(folded),
        "calibration": calibration,
        "data": ["FER2013", "FER+ votes", "patches without a face"],
        "commands": [
            f"{fit} --epochs {training.epochs}",
            f"python -m convert quantise --model runs/{recipe_name}/{model} --data {data} --out {out} {named}",
            f"python -m convert compare --model runs/{recipe_name}/{model} --bundle {out} --data {data}",
        ],
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
