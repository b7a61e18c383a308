"""The typed recipe of a network: everything that decides what a training run gives, in one committed file."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from edge.errors import SettingsError
from edge.labels import HEADS, VIEW_LABELS
from edge.preprocess import InputSpec

RECIPES: Final = Path(__file__).parent / "recipes"


class NetworkRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of the network (see `train.model.build`)."""

    name: str
    size_px: int
    stem_filters: int
    filters: tuple[int, ...]
    """Channels of each stage; each stage halves height and width first."""
    depths: tuple[int, ...]
    """Residual blocks of each stage."""
    stem_stride: int = 1
    dropout: float = 0.2
    norm_momentum: float = 0.95
    """Batch-normalisation statistics: share kept a step; .99 lags behind in runs of few epochs."""


class AugmentRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Random changes to a training face; a `_share` is the part of a batch that gets the change."""

    rotation_deg: float = 15.0
    scale: float = 0.15
    """Zoom, evenly in 1 - scale to 1 + scale."""
    shift: float = 0.15
    """Shift along each axis, as a share of half the width."""
    contrast: float = 0.3
    brightness: float = 0.15
    """Added gray, as a share of full range."""
    gamma: float = 0.3
    """Exponent is exp(uniform(-gamma, gamma)): the curves of other cameras."""
    side_light: float = 0.3
    """Gray added at one edge and taken at the other, as a share of full range, on `side_light_share`."""
    side_light_share: float = 0.25
    erase_share: float = 0.5
    erase_px: tuple[int, int] = (6, 15)
    """Smallest and largest side of the one erased square."""
    blur_share: float = 0.12
    low_resolution_share: float = 0.12
    low_resolution_px: tuple[int, ...] = (20, 24, 32)
    """Sides a face is shrunk to and enlarged from again."""
    noise_share: float = 0.15
    noise: float = 0.06
    """Largest standard deviation of added noise, as a share of full range."""


class TrainingRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The run: optimiser, schedule, losses."""

    epochs: int
    batch: int = 128
    seed: int = 1
    learning_rate: float = 0.1
    warmup_share: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    """L2 convention (added to the gradient before momentum); not on biases and normalisation."""
    gradient_norm: float = 5.0
    ema: float = 0.999
    """Share of the averaged weights kept a step."""
    label_smoothing: float = 0.1
    """On FER2013's label only: FER+ votes are soft already."""
    head_weights: dict[str, float] = msgspec.field(default_factory=lambda: {"ferplus": 1.0, "fer2013": 1.0})
    negatives_share: float = 0.04
    """Patches without a face drawn each epoch, as a share of the faces; they train `not_a_face` only."""
    precision: str = "mixed_bfloat16"


class ConversionRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What quantisation and calibration aim at."""

    calibration_faces: int = 300
    answered_accuracy: dict[str, float] = msgspec.field(
        default_factory=lambda: {
            "ferplus": 0.92,
            "fer2013": 0.85,
            "basic": 0.90,
            "five": 0.85,
            "happy": 0.975,
        }
    )
    """For each view: accuracy on PublicTest of what is answered, i.e. not `uncertain`."""
    least_coverage: float = 0.5
    """A threshold that leaves fewer answered is lowered to this share: a kiosk that never answers helps nobody."""
    uncertain_cap: float = 0.95
    """No view's threshold is set higher, whatever its target."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published network, from data to bundle."""

    network: NetworkRecipe
    training: TrainingRecipe
    augment: AugmentRecipe = AugmentRecipe()
    input: InputSpec = InputSpec()
    conversion: ConversionRecipe = ConversionRecipe()


def load_recipe(source: str | Path) -> Recipe:
    """Read a recipe by name (a file in `train/recipes`) or by path.

    Raises
    ------
    SettingsError
        No such recipe, not TOML, an unknown key (the nearest known one is named), a wrong type or range.
    """
    path = Path(source) if str(source).endswith(".toml") else RECIPES / f"{source}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise SettingsError(
            f"recipe {str(source)!r}: {error.strerror}",
            expected=f"one of {known}, or the path of a .toml file",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"recipe {path}: {error}", expected="TOML") from None
    _refuse_unknown(raw, Recipe, f"recipe {path}")
    try:
        recipe = msgspec.convert(raw, Recipe)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"recipe {path}: {error}", expected="the types that train/recipe.py says"
        ) from None
    check(recipe)
    return recipe


def check(recipe: Recipe) -> None:
    """Refuse a recipe whose numbers contradict each other or make no run.

    Raises
    ------
    SettingsError
        The key, its value and what is possible.
    """
    network, training, augment = recipe.network, recipe.training, recipe.augment

    def require(fits: object, key: str, value: object, expected: str) -> None:
        if not fits:
            raise SettingsError(f"recipe: {key} is {value!r}", expected=expected)

    require(
        len(network.filters) == len(network.depths),
        "network.depths",
        network.depths,
        "as many as network.filters",
    )
    require(
        network.size_px == recipe.input.size_px,
        "network.size_px",
        network.size_px,
        "the same as input.size_px",
    )
    require(min(network.filters, default=0) > 0, "network.filters", network.filters, "numbers above 0")
    require(min(network.depths, default=0) > 0, "network.depths", network.depths, "numbers above 0")
    require(training.epochs > 0, "training.epochs", training.epochs, "1 or more")
    require(training.batch > 0, "training.batch", training.batch, "1 or more")
    require(training.learning_rate > 0, "training.learning_rate", training.learning_rate, "above 0")
    require(0 <= training.ema < 1, "training.ema", training.ema, "0 to below 1")
    require(0 <= training.warmup_share < 1, "training.warmup_share", training.warmup_share, "0 to below 1")
    require(
        training.precision in ("float32", "mixed_bfloat16"),
        "training.precision",
        training.precision,
        "float32 or mixed_bfloat16",
    )
    conversion = recipe.conversion
    require(
        0 <= conversion.least_coverage <= 1, "conversion.least_coverage", conversion.least_coverage, "0 to 1"
    )
    require(
        set(conversion.answered_accuracy) == set(VIEW_LABELS),
        "conversion.answered_accuracy",
        sorted(conversion.answered_accuracy),
        f"a target for each of {', '.join(VIEW_LABELS)}",
    )
    require(
        set(training.head_weights) == set(HEADS),
        "training.head_weights",
        sorted(training.head_weights),
        f"a weight for each of {', '.join(HEADS)}",
    )
    shares = {name: getattr(augment, name) for name in augment.__struct_fields__ if name.endswith("_share")}
    for name, share in shares.items():
        require(0 <= share <= 1, f"augment.{name}", share, "0 to 1")


def difference(before: Recipe, after: Recipe) -> list[str]:
    """Return one line for each value that differs, as `section.key: before -> after`."""
    return list(_difference(msgspec.to_builtins(before), msgspec.to_builtins(after), ""))


def _difference(before: Any, after: Any, where: str) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        lines: list[str] = []
        for key in sorted(before.keys() | after.keys()):
            name = f"{where}.{key}" if where else str(key)
            lines += _difference(before.get(key), after.get(key), name)
        return lines
    return [] if before == after else [f"{where}: {before!r} -> {after!r}"]


def _refuse_unknown(raw: dict[str, Any], struct: type[msgspec.Struct], where: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in raw.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(fields)}"
            raise SettingsError(f"{where} has an unknown key {key!r}", fix=fix)
        inner = fields[key]
        candidates = [inner, *get_args(inner)]
        for candidate in candidates:
            if (
                isinstance(value, dict)
                and isinstance(candidate, type)
                and issubclass(candidate, msgspec.Struct)
            ):
                _refuse_unknown(value, candidate, f"{where} [{key}]")
