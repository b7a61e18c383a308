from __future__ import annotations

import msgspec
import pytest

from edge.errors import SettingsError
from train.recipe import RECIPES, check, difference, load_recipe


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_committed_recipe_loads(path):
    assert load_recipe(path.stem).network.name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "batch = 14",
            "bach = 14",
            r"\[training\] has an unknown key 'bach'; to fix: did you mean 'batch'\?",
        ),
        ("[training]", "[trainng]", r"unknown key 'trainng'.*did you mean 'training'\?"),
        ("epochs = 2", 'epochs = "two"', r"training\.epochs"),
        ("epochs = 2", "epochs = 0", r"training\.epochs is 0; expected 1 or more"),
        ("size_px = 48", "size_px = 64", r"network\.size_px is 64; expected the same as input\.size_px"),
        (
            "depths = [1, 1]",
            "depths = [1]",
            r"network\.depths is \(1,\); expected as many as network\.filters",
        ),
        ('"float32"', '"float8"', r"training\.precision is 'float8'"),
        (
            "[training]",
            "[augment]\nblur_share = 2.0\n[training]",
            r"augment\.blur_share is 2\.0; expected 0 to 1",
        ),
        (
            "[training]",
            "[conversion.answered_accuracy]\nbasic = 0.9\n[training]",
            r"a target for each of ferplus",
        ),
        ("[training]", "[[training]", r"expected TOML"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tiny_recipe, old, new, message):
    text = tiny_recipe.read_text()
    assert old in text
    tiny_recipe.write_text(text.replace(old, new))
    with pytest.raises(SettingsError, match=message):
        load_recipe(tiny_recipe)


def test_an_unknown_recipe_lists_the_known(tmp_path):
    with pytest.raises(SettingsError, match="expected one of emotion"):
        load_recipe("emotoin")
    with pytest.raises(SettingsError, match="No such file"):
        load_recipe(tmp_path / "none.toml")


def test_difference_names_each_value(tiny_recipe):
    before = load_recipe(tiny_recipe)
    after = msgspec.structs.replace(before, training=msgspec.structs.replace(before.training, seed=5))
    check(after)
    assert difference(before, after) == ["training.seed: 1 -> 5"]
    assert difference(before, before) == []
