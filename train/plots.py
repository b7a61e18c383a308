"""Pictures of an evaluation: confusion matrix and reliability diagram, as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from train.metrics import ECE_BINS, Labels, Probabilities, Scores, reliability

DPI = 110


def confusion_plot(path: Path, scores: Scores, labels: tuple[str, ...], title: str) -> None:
    """Draw rows of truth and columns of answers, coloured by the share of the row, numbered by faces."""
    counts = np.array(scores.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.62 * len(labels)
    figure, axes = _figure(side, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels, rotation=45, ha="right")
    axes.set_yticks(ticks, labels)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    axes.set_title(f"{title}\naccuracy {scores.accuracy:.1%}, macro-F1 {scores.macro_f1:.3f}", fontsize=10)
    for row in ticks:
        for column in ticks:
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)
    figure.savefig(path, dpi=DPI, bbox_inches="tight")


def reliability_plot(
    path: Path, probabilities: Probabilities, truth: Labels, scores: Scores, title: str
) -> None:
    """Draw accuracy over confidence in bins, with the share of faces in each bin below."""
    rows = np.array(reliability(probabilities, truth))
    figure, axes = _figure(4.6, 4.4)
    width = 0.9 / ECE_BINS
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="honest")
    axes.bar(rows[:, 0], rows[:, 1], width, color="tab:blue", label="accuracy")
    axes.bar(rows[:, 0], -rows[:, 2], width, color="tab:orange", label="share of faces (downwards)")
    axes.set_xlim(0, 1)
    axes.set_ylim(-1, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.set_title(f"{title}\ncalibration error {scores.ece:.3f} over {ECE_BINS} bins", fontsize=10)
    axes.legend(fontsize=7, loc="upper left")
    figure.savefig(path, dpi=DPI, bbox_inches="tight")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    # Figure and not pyplot: no display, no global state, nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()
