"""The report end to end, on a few real faces with the shipped bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from train.__main__ import main

pytest.importorskip("sklearn")
pytest.importorskip("tensorflow")

VOID = {"meta", "br", "img", "input", "link", "hr"}
TESTS = {"ferplus", "ferplus_majority", "fer2013", "basic", "five", "happy"}


class Page(HTMLParser):
    """Checks that tags close in order, and keeps what a page needs from outside."""

    def __init__(self):
        super().__init__()
        self.open, self.sections, self.outside, self.svgs = [], [], [], 0

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.svgs += tag == "svg"
        if tag == "section":
            self.sections.append(found["id"])
        self.outside += [v for k, v in attrs if k in ("src", "href", "action") and not v.startswith("#")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.svgs += tag == "svg"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(tmp_path_factory, data_dir, root):
    if not (root / "edge" / "models" / "emotion" / "manifest.json").is_file():
        pytest.skip("needs the shipped bundle")
    folder = tmp_path_factory.mktemp("report")
    arguments = ["--data", str(data_dir), "--quick", "200", "--out", str(folder / "out")]
    arguments += ["--card", str(folder / "card.md")]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "train", "report", *arguments],
        capture_output=True, text=True, cwd=root, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads((folder / "out" / "report.json").read_text())
    html = (folder / "out" / "report.html").read_text()
    card = (folder / "card.md").read_text()
    return SimpleNamespace(text=done.stdout, progress=done.stderr, figures=figures, html=html, card=card)


def test_the_page_is_whole_and_needs_nothing_from_outside(report):
    from train.report_page import SECTIONS

    page = Page()
    page.feed(report.html)
    page.close()
    assert page.open == []
    assert page.sections == list(SECTIONS)
    assert page.outside == []
    assert page.svgs == 10
    assert "<script" not in report.html
    assert "url(" not in report.html
    assert "prefers-color-scheme:dark" in report.html
    for words in ("difference in behaviour", "65 ± 5", "Art. 5(1)(f)", "71.69", "66.5", "95.33", "quick try"):
        assert words in report.html


def test_the_figures_are_complete_and_agree(report):
    figures = report.figures
    for split in ("public", "private"):
        assert set(figures["views"][split]) == TESTS
        for test in figures["views"][split].values():
            right = sum(row[i] for i, row in enumerate(test["scores"]["confusion"]))
            assert right / test["scores"]["faces"] == pytest.approx(test["scores"]["accuracy"])
            assert test["accuracy"]["low"] <= test["scores"]["accuracy"] <= test["accuracy"]["high"]
            assert test["risk"]["risks"][-1] == pytest.approx(1 - test["scores"]["accuracy"])
            assert test["risk"]["chosen"] == test["scores"]["answered"]
    clean = figures["robustness"][0]["accuracy"]["int8"]
    assert clean["fer2013"] == pytest.approx(figures["views"]["private"]["fer2013"]["scores"]["accuracy"])
    assert len(figures["robustness"]) == 22
    assert {row["kind"] for row in figures["unclear"]} >= {
        "background patches",
        "clear faces under heavy blur",
    }
    assert {group["grouping"] for group in figures["audit"]} == {"everyone", "race", "gender", "age"}
    assert [row["within"] for row in figures["duplicates"]] == ["train", "train", "public"]
    assert figures["label_agreement"]["ferplus"] == pytest.approx(0.63, abs=0.01)


def test_near_duplicates_of_the_test_faces_are_found_in_training(report):
    # On all 7,178 test faces 768 have one.
    assert 5 <= len(report.figures["duplicates"][0]["rows"]) <= 60


def test_the_printed_tables_and_the_card_have_the_same_figures(report):
    accuracy = f"{report.figures['views']['private']['fer2013']['scores']['accuracy'] * 100:.2f}"
    for words in (report.text, report.card, report.html):
        assert accuracy in words
        assert "Robustness, FER2013, PrivateTest" in words
    assert report.card.startswith("## Measured by")
    assert "100%" in report.progress


def test_a_wrong_path_is_one_line_before_anything_is_measured(tmp_path, data_dir, capsys):
    data = str(data_dir / "fer2013.npz")
    out = ["--out", str(tmp_path / "out")]
    assert main(["report", "--data", str(tmp_path / "none.npz"), *out]) != 0
    assert main(["report", "--data", data, "--bundle", str(tmp_path), *out]) == 4
    assert main(["report", "--data", data, "--fairface", str(tmp_path / "f.npz"), *out]) == 8
    (tmp_path / "file").write_text("")
    assert main(["report", "--data", data, "--out", str(tmp_path / "file")]) == 8
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 4
    assert all(line.startswith("train: error: ") for line in lines)


def test_a_float_network_of_another_bundle_is_noticed():
    from train.answers import Answers
    from train.report import LEAST_SAME, _same

    first = Answers({"fer2013": np.eye(7, dtype=np.float32)[[0, 1, 2, 3]]})
    other = Answers({"fer2013": np.eye(7, dtype=np.float32)[[0, 1, 2, 4]]})
    assert _same(first, first) == 1.0
    assert _same(first, other) == 0.75 < LEAST_SAME
