"""The benchmark: the daemon's own loop on a clip, and beside it a Haar cascade on every frame."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec

from edge.apps.clip import bundled_clip
from edge.classifier import EmotionClassifier
from edge.clock import ManualClock, process_cpu_s
from edge.daemon import EARLY, OUTBOX_NAME
from edge.haar import HaarDetector
from edge.ids import boot_id
from edge.meter import summarise_ms
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.settings import Settings
from edge.source import open_source
from edge.types import Face, Frame

PEER_SCALE_FACTOR: Final = 1.1
PEER_NEIGHBORS: Final = 5
"""OpenCV's own examples search so; the smallest face is the loop's, which favours the peer."""
NO_BROKER: Final = "mqtt://127.0.0.1:9"
"""The discard port: the daemon's memory is measured with its retries, not without a publisher."""
MEBI: Final = 1024 * 1024


def measure(settings: Settings, *, clip: str | None, quick: bool) -> dict[str, Any]:
    """Return all figures.

    Parameters
    ----------
    settings: the loop's settings; source and broker are replaced.
    clip: video file; `None`: the bundled clip.
    quick: leave out what needs the clip at its own speed.

    Returns
    -------
    `loop` and `haar_every_frame` with `frame_cpu_ms` (median, p95, mean, count), `ratio` of the two means,
    `ratio_of_medians`, `loop.stages_ms`, `startup`, `memory_peak_mb`, `environment_mb`.
    """
    path = clip or str(bundled_clip())
    settings = msgspec.structs.replace(
        settings, source=msgspec.structs.replace(settings.source, uri=path, loop=False)
    )
    cv2.setNumThreads(1)
    loop = _measure_loop(settings)
    peer = _measure_peer(settings)
    figures: dict[str, Any] = {
        "clip": Path(path).name,
        "machine": platform.machine(),
        "opencv": cv2.__version__,
        "threads": 1,
        "loop": loop,
        "haar_every_frame": peer,
        "ratio": _ratio(loop, peer, "mean"),
        "ratio_of_medians": _ratio(loop, peer, "median"),
        "startup": _measure_startup(path),
        "environment_mb": _environment_mb(),
    }
    if not quick:
        figures["memory_peak_mb"] = _run_daemon(path)[1]
    return figures


def table(figures: dict[str, Any]) -> str:
    """Return the figures as people read them."""
    lines = [f"clip {figures['clip']}, one thread, processor time", ""]
    lines.append(f"{'':34}{'median ms':>10}{'p95 ms':>10}{'mean ms':>10}{'runs':>8}")

    def row(name: str, times: dict[str, float]) -> str:
        return (
            f"{name:34}{times['median']:10.3f}{times['p95']:10.3f}{times['mean']:10.3f}{times['count']:8.0f}"
        )

    lines.append(row("loop, a frame", figures["loop"]["frame_cpu_ms"]))
    lines += [row(f"  stage {name}", times) for name, times in figures["loop"]["stages_ms"].items()]
    lines.append(row("Haar on every frame, same network", figures["haar_every_frame"]["frame_cpu_ms"]))
    startup, ratio = figures["startup"], figures["ratio"]
    lines.append("")
    lines.append(f"loop / Haar on every frame, mean cost: {ratio:.3f} (1/{1 / ratio:.1f})")
    lines.append(f"loop / Haar on every frame, median cost: {figures['ratio_of_medians']:.3f}")
    lines.append(f"processor time of --help: {startup['help_cpu_s']:.2f} s")
    lines.append(f"processor time of the daemon up to its first frame: {startup['first_frame_cpu_s']:.2f} s")
    if "memory_peak_mb" in figures:
        lines.append(f"daemon's peak memory over the clip: {figures['memory_peak_mb']:.0f} MB")
    if figures["environment_mb"] is not None:
        lines.append(f"this environment on disk: {figures['environment_mb']:.0f} MB")
    return "\n".join(lines)


def _measure_loop(settings: Settings) -> dict[str, Any]:
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(
            Path(folder) / OUTBOX_NAME, max_rows=settings.outbox.max_rows, max_age_s=settings.outbox.max_age_s
        )
        pipeline = Pipeline(settings, outbox, clock, boot_id())
        events = 0

        def step(frame: Frame) -> None:
            nonlocal events
            events += len(pipeline.step(frame).events)

        times = [_timed(step, frame) for frame in _frames(settings, clock)]
        outbox.close()
    stages = {name: times_ms for name, times_ms in pipeline.meter.summary_ms().items() if name != "frame"}
    return {"frame_cpu_ms": summarise_ms(times), "stages_ms": stages, "events": events}


def _measure_peer(settings: Settings) -> dict[str, Any]:
    haar = HaarDetector(settings.finder.cascade, scale_factor=PEER_SCALE_FACTOR, min_neighbors=PEER_NEIGHBORS)
    classifier = EmotionClassifier.load(settings.emotion.bundle or None)

    def step(frame: Frame) -> None:
        for box, score in haar.detect(frame.gray, min_px=settings.finder.min_face_px):
            classifier.read(frame, Face(box, score), settings.emotion.view)

    times = [_timed(step, frame) for frame in _frames(settings, ManualClock())]
    return {"frame_cpu_ms": summarise_ms(times)}


def _frames(settings: Settings, clock: ManualClock) -> Iterator[Frame]:
    """Give the frames that the daemon would take at the clip's own speed, as fast as they are wanted."""
    source = open_source(settings.source, clock)
    wanted_s = settings.source.frame_interval_s * EARLY
    taken_at_s: float | None = None
    try:
        while (frame := source.read()) is not None:
            if taken_at_s is None or frame.at_s - taken_at_s >= wanted_s:
                if taken_at_s is not None:
                    clock.advance(frame.at_s - taken_at_s)
                taken_at_s = frame.at_s
                yield frame
    finally:
        source.close()


def _timed(step: Callable[[Frame], None], frame: Frame) -> float:
    start = process_cpu_s()
    step(frame)
    return process_cpu_s() - start


def _ratio(loop: dict[str, Any], peer: dict[str, Any], what: str) -> float:
    ratio: float = loop["frame_cpu_ms"][what] / peer["frame_cpu_ms"][what]
    return round(ratio, 4)


def _measure_startup(clip: str) -> dict[str, float]:
    return {
        "help_cpu_s": _run([sys.executable, "-m", "edge", "--help"])[0],
        "first_frame_cpu_s": _run_daemon(clip, "--max-frames", "1", "--set", "mqtt.drain_s=0")[0],
    }


def _run_daemon(clip: str, *more: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "edge", "run", "--source", clip, "--broker", NO_BROKER]
        command += ["--state-dir", folder, "--set", 'log.level="error"', *more]
        return _run(command)


def _run(command: list[str]) -> tuple[float, float]:
    """Return a finished process's seconds of processor time and its peak memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return round(usage.ru_utime + usage.ru_stime, 3), round(usage.ru_maxrss * 1024 / 1e6, 1)


def _environment_mb() -> float | None:
    """Return the size of this virtual environment on disk, or None outside one."""
    if sys.prefix == sys.base_prefix:
        return None
    seen: set[int] = set()
    total = 0
    for folder, _, files in os.walk(sys.prefix):
        for name in files:
            status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - 10,000 files: Path is slower
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                total += status.st_size
    return round(total / 1e6, 1)
