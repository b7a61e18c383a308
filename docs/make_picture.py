"""Make docs/img/demo.png: a frame of the bundled clip as the pipeline sees it, beside the events it gives.

Run in the development environment: python docs/make_picture.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from edge.apps.clip import bundled_clip
from edge.apps.readable import event_line
from edge.clock import ManualClock
from edge.draw import draw_faces
from edge.pipeline import Pipeline
from edge.settings_file import load_settings
from edge.source import open_source
from edge.types import Event, Moment

SHOWN_S: Final = 27.2
"""A moment with two people in view whose expressions have both changed."""
INK: Final = "#e6edf3"
PAPER: Final = "#0d1117"


class Kept:
    """Keeps the events in memory, with the words they are shown by."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event, now: Moment) -> None:
        """Keep it."""
        del now
        self.events.append(event)


def main() -> None:
    """Play the clip up to the moment that is shown, and draw it."""
    settings = load_settings(overrides=[("source.uri", str(bundled_clip()))])
    clock, kept = ManualClock(), Kept()
    source = open_source(settings.source, clock, keep_colour=True)
    pipeline = Pipeline(settings, kept, clock, "picture")
    last_s = start_s = None
    while (frame := source.read()) is not None:
        start_s = frame.at_s if start_s is None else start_s
        clock.advance(frame.at_s - (frame.at_s if last_s is None else last_s))
        last_s = frame.at_s
        faces = pipeline.step(frame).faces
        if frame.at_s - start_s >= SHOWN_S:
            break
    latest = {event.face_id: event for event in kept.events}
    records = [
        {
            "box": face.box,
            "emotion": latest[face.face_id].emotion,
            "confidence": latest[face.face_id].confidence,
        }
        for face in faces
        if face.face_id in latest
    ]
    picture = cv2.cvtColor(draw_faces(frame.colour, records), cv2.COLOR_BGR2RGB)
    draw(picture, ["$ make demo", "", *map(event_line, kept.events)])


def draw(picture, lines: list[str]) -> None:
    """Write the picture and the lines side by side."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.4), width_ratios=(1, 1.35), facecolor=PAPER)
    left.imshow(picture)
    for axes in (left, right):
        axes.axis("off")
    right.text(
        0, 1, "\n".join(lines), family="DejaVu Sans Mono", size=8.6, color=INK, va="top", linespacing=1.6
    )
    figure.subplots_adjust(left=0.01, right=0.99, top=0.95, bottom=0.05, wspace=0.03)
    figure.savefig(Path(__file__).parent / "img" / "demo.png", dpi=110)


if __name__ == "__main__":
    main()
