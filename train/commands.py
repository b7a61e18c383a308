"""The commands of `python -m train`: their flags, and what they do."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from edge.errors import DataError, MissingExtraError, SettingsError
from train.flags import add_data_flags, positive
from train.recipe import Recipe, check, load_recipe

FIT_EXAMPLES: Final = """\
examples:
  python -m train fit --data fer2013.npz --out runs/emotion
  python -m train fit --data fer2013.csv --ferplus fer2013new.csv --out runs/mine --epochs 20 --seed 2
  python -m train fit --data pictures/ --recipe my.toml --out runs/mine
  python -m train fit --data fer2013.npz --out runs/emotion --resume

In --out: model.keras (the epoch PublicTest likes best, averaged weights), state.npz (the checkpoint),
progress.json (figures of every epoch), tensorboard/ (tensorboard --logdir).
"""
EVALUATE_EXAMPLES: Final = """\
examples:
  python -m train evaluate --data fer2013.npz                       the shipped bundle, on PrivateTest
  python -m train evaluate --data fer2013.npz --bundle edge/models/emotion --split both --plots plots/
  python -m train evaluate --data fer2013.npz --model runs/emotion/model.keras --split public --json

PublicTest is for choosing, PrivateTest for reporting: never the other way round.
"""


def add_fit(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `fit`."""
    parser = subparsers.add_parser(
        "fit",
        help="train a network by a recipe",
        description="Train a network by a recipe; a checkpoint is kept after each epoch.",
        epilog=FIT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_flags(parser)
    parser.add_argument(
        "--recipe", default="emotion", help="name in train/recipes or path of a .toml (emotion)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last whole epoch, if there is one"
    )
    parser.add_argument(
        "--negatives", type=Path, help="patches without a face (negatives.npz beside the data)"
    )
    parser.add_argument("--epochs", type=positive, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="only N faces of each split, for a quick try"
    )
    parser.set_defaults(execute=execute_fit)


def add_evaluate(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `evaluate`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="report a Keras model's or a bundle's figures",
        description="Report accuracy, macro-F1, calibration and confusion in every label view.",
        epilog=EVALUATE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_flags(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--model", type=Path, help="a .keras file")
    what.add_argument("--bundle", type=Path, help="a bundle folder (the shipped one)")
    parser.add_argument(
        "--recipe", default="emotion", help="whose [input] a .keras file was trained with (emotion)"
    )
    parser.add_argument("--split", choices=("public", "private", "both"), default="private", help="(private)")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N faces of each split")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write confusion and reliability plots here"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(execute=execute_evaluate)


def execute_fit(options: argparse.Namespace) -> int:
    """Train, after saying what the data is."""
    recipe = recipe_of(options)
    choose_backend()
    from train.data import load, load_negatives
    from train.faces import describe
    from train.fit import fit

    faces = load(options.data, ferplus=options.ferplus)
    negatives = load_negatives(options.data, options.negatives)
    for line in describe(faces):
        print(line)
    found = "none" if negatives is None else f"{len(negatives):,}"
    print(f"  patches without a face: {found}", flush=True)
    fitted = fit(recipe, faces, options.out, negatives=negatives, resume=options.resume, limit=options.limit)
    progress = fitted.progress
    if progress.best_epoch:
        print(
            f"best epoch by PublicTest: {progress.best_epoch} ({progress.best_score:.4f}), in {fitted.model}"
        )
    return 0 if fitted.finished else 130


def execute_evaluate(options: argparse.Namespace) -> int:
    """Evaluate and print."""
    recipe = load_recipe(options.recipe)
    from train.answers import ask_bundle, ask_keras, load_keras_model
    from train.data import load
    from train.evaluate import Report, as_text, evaluate, write_plots

    if options.model:
        choose_backend()
    _require("sklearn", "scikit-learn")
    faces = load(options.data, ferplus=options.ferplus)
    model = load_keras_model(options.model) if options.model else None
    name = str(options.model or options.bundle or "the shipped bundle")
    results = {}
    for split in ("public", "private") if options.split == "both" else (options.split,):
        chosen = faces.take(faces.rows(split)[: options.limit])
        if not len(chosen):
            raise DataError(f"{faces.source} has no {split} faces", fix="choose another --split")
        start = time.monotonic()
        answers = ask_keras(model, chosen, recipe.input) if model else ask_bundle(options.bundle, chosen)
        print(f"{split}: {len(chosen):,} faces in {time.monotonic() - start:.1f} s", file=sys.stderr)
        results[split] = evaluate(answers, chosen)
        if options.plots:
            files = write_plots(options.plots, split, answers, chosen, results[split])
            print(f"{len(files)} plots in {options.plots}", file=sys.stderr)
    report = Report(name, faces.source, results)
    print(msgspec.json.encode(report).decode() if options.json else as_text(report))
    return 0


def recipe_of(options: argparse.Namespace) -> Recipe:
    """Return the recipe with what the flags change."""
    recipe = load_recipe(options.recipe)
    changes = {key: getattr(options, key) for key in ("epochs", "seed") if getattr(options, key) is not None}
    recipe = msgspec.structs.replace(recipe, training=msgspec.structs.replace(recipe.training, **changes))
    check(recipe)
    return recipe


def choose_backend() -> None:
    """Take TensorFlow unless the user chose another backend; say what is missing.

    Raises
    ------
    MissingExtraError
        Keras or its backend is not installed.
    SettingsError
        KERAS_BACKEND names none that Keras knows.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend not in ("tensorflow", "jax", "torch"):
        raise SettingsError(f"KERAS_BACKEND is {backend!r}", expected="tensorflow, jax or torch")
    _require(backend, backend)
    _require("keras", "keras")


def _require(module: str, package: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise MissingExtraError(f"{package} is not installed", fix="pip install 'emotion-edge[train]'")
