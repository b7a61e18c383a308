"""The daemon's life: open everything, loop over frames, report, and end every face before it stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge import __version__
from edge.camera import Reader
from edge.clock import Clock, SystemClock
from edge.errors import SourceError
from edge.ids import boot_id
from edge.outbox import Outbox
from edge.payloads import InfoPayload, ModelInfo, StatePayload
from edge.person import Mood
from edge.pipeline import Pipeline, Step
from edge.publisher import Publisher
from edge.settings import Settings
from edge.source import Source, SourceState, safe_name
from edge.state_lock import StateLock
from edge.stats import Health
from edge.types import Event

POLL_S: Final = 0.25
"""The loop looks after states, reports and the stop at least this often when no frame comes."""
OUTBOX_NAME: Final = "outbox.sqlite"
EARLY: Final = 0.8
"""A frame that comes at this share of the wanted interval is taken: cameras do not keep time exactly."""
SHOWING: Final = frozenset({SourceState.PLAYING, SourceState.CHANGED})

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Said:
    """What was last reported, so that only changes are."""

    camera_online: bool | None = None
    source_state: str = ""
    mood: Mood | None = None
    state_at_s: float = -1e9
    stats_at_s: float = -1e9
    outbox_trouble: str | None = None


class Daemon:
    """Runs the loop of one camera until told to stop, or until a clip ends.

    Parameters
    ----------
    settings: all settings.
    clock: the machine's, or a test's.
    on_event: called with each event after the outbox has it (`run --events`).
    max_frames: stop after this many frames; 0: never. For measuring the start.
    opener: opens the source in place of `open_source`, such as a `hardware.fake.FakeCamera`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_event: Callable[[Event], None] | None = None,
        max_frames: int = 0,
        opener: Callable[[], Source] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._on_event = on_event
        self._max_frames = max_frames
        self._opener = opener
        self._stop = threading.Event()
        self._said = _Said()

    def stop(self) -> None:
        """Ask the loop to end cleanly; returns at once, and may be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Run until `stop` or the end of a clip; every face has its `end` in the outbox when this returns.

        Raises
        ------
        SourceError
            A clip or folder cannot be opened. (A missing camera is waited for.)
        StateError, BundleError, RuntimeMissingError, CascadeError, BrokerError
            The part that the name says cannot be used at all.
        """
        settings = self._settings
        with StateLock(settings.state_dir):
            boot = boot_id()
            outbox = Outbox(
                settings.state_dir / OUTBOX_NAME,
                max_rows=settings.outbox.max_rows,
                max_age_s=settings.outbox.max_age_s,
            )
            try:
                self._run(boot, outbox)
            finally:
                outbox.close()

    def _run(self, boot: str, outbox: Outbox) -> None:
        settings = self._settings
        # What the user may have mistyped comes first: before anything takes time or says a word.
        publisher = Publisher(settings.mqtt, outbox, device_id=settings.device_id, clock=self._clock)
        reader = Reader(settings.source, self._clock, opener=self._opener)
        reader.open_first()
        try:
            self._serve(boot, outbox, publisher, reader)
        finally:
            reader.stop()

    def _serve(self, boot: str, outbox: Outbox, publisher: Publisher, reader: Reader) -> None:
        settings = self._settings
        pipeline = Pipeline(settings, outbox, self._clock, boot)
        for event in outbox.end_open_faces(self._clock.now(), reason="restart", boot_id=boot):
            self._announce(event)
        health = Health(self._clock.now())
        manifest = pipeline.classifier.manifest
        log.info(
            "emotion-edge %s: device %s, source %s, model %s %s (view %s), broker %s, state in %s",
            __version__,
            settings.device_id,
            safe_name(settings.source.uri),
            manifest.name,
            manifest.version,
            settings.emotion.view,
            settings.mqtt.url,
            settings.state_dir,
        )
        publisher.info(self._info(pipeline, boot))
        publisher.start()
        reader.start()
        try:
            self._loop(pipeline, publisher, reader, outbox, health)
        finally:
            reader.stop()
            for event in pipeline.end_all("stopped"):
                self._announce(event)
            publisher.camera(online=False)
            self._report_state(pipeline, publisher, force=True)
            if not publisher.stop(settings.mqtt.drain_s):
                log.warning("%d events wait in the outbox for the next start", outbox.depth)

    def _loop(
        self, pipeline: Pipeline, publisher: Publisher, reader: Reader, outbox: Outbox, health: Health
    ) -> None:
        last_index, last_at_s = -1, -1e9
        wanted_s = self._settings.source.frame_interval_s * EARLY
        while not self._stop.is_set():
            frame = reader.next_frame(last_index, POLL_S)
            if frame is not None:
                last_index = frame.index
                if frame.at_s - last_at_s >= wanted_s:
                    last_at_s = frame.at_s
                    self._follow(pipeline.step(frame), publisher)
                    health.frame()
            self._report_source(pipeline, publisher, reader)
            self._report_outbox(outbox)
            self._report_state(pipeline, publisher)
            self._report_stats(pipeline, publisher, reader, outbox, health)
            if frame is None and reader.finished:
                if reader.state is SourceState.FAILED:
                    raise SourceError(reader.detail, fix="check the file, or pass another --source")
                log.info("the clip has ended after %d frames", health.frames)
                return
            if self._max_frames and health.frames >= self._max_frames:
                return

    def _info(self, pipeline: Pipeline, boot: str) -> InfoPayload:
        settings, manifest = self._settings, pipeline.classifier.manifest
        return InfoPayload(
            device=settings.device_id,
            version=__version__,
            boot_id=boot,
            model=ModelInfo(name=manifest.name, version=manifest.version, sha256=manifest.model.sha256),
            view=settings.emotion.view,
            labels=pipeline.classifier.labels(settings.emotion.view),
            settings={
                "min_face_px": settings.finder.min_face_px,
                "frame_interval_s": settings.source.frame_interval_s,
                "emotion_interval_s": settings.emotion.interval_s,
                "hold_s": settings.person.hold_s,
            },
            ts=self._clock.now().stamp,
        )

    def _follow(self, step: Step, publisher: Publisher) -> None:
        for event in step.events:
            self._announce(event)
        if step.events:
            publisher.wake()

    def _announce(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)

    def _report_source(self, pipeline: Pipeline, publisher: Publisher, reader: Reader) -> None:
        state = reader.state
        if state != self._said.source_state:
            self._said.source_state = state
            quiet = state in SHOWING or state in (SourceState.OPENING, SourceState.ENDED)
            log.log(logging.INFO if quiet else logging.WARNING, "camera: %s%s", state, _detail(reader.detail))
        online = state in SHOWING
        if online == self._said.camera_online:
            return
        self._said.camera_online = online
        publisher.camera(online=online)
        if not online and state is not SourceState.ENDED:
            for event in pipeline.end_all("camera"):
                self._announce(event)
            publisher.wake()

    def _report_outbox(self, outbox: Outbox) -> None:
        trouble = outbox.degraded
        if trouble != self._said.outbox_trouble:
            self._said.outbox_trouble = trouble
            if trouble:
                log.warning("outbox: %s; events are kept in memory until it heals", trouble)
            else:
                log.info("outbox: healed")

    def _report_state(self, pipeline: Pipeline, publisher: Publisher, *, force: bool = False) -> None:
        now = self._clock.now()
        mood = pipeline.mood()
        since_s = now.monotonic_s - self._said.state_at_s
        changed = self._said.mood is None or (mood.faces, mood.emotion) != (
            self._said.mood.faces,
            self._said.mood.emotion,
        )
        mqtt = self._settings.mqtt
        due = since_s >= (mqtt.state_min_interval_s if changed else mqtt.state_max_interval_s)
        if not due and not (force and changed):
            return
        self._said.state_at_s, self._said.mood = now.monotonic_s, mood
        publisher.state(
            StatePayload(faces=mood.faces, emotion=mood.emotion, confidence=mood.confidence, ts=now.stamp)
        )

    def _report_stats(
        self, pipeline: Pipeline, publisher: Publisher, reader: Reader, outbox: Outbox, health: Health
    ) -> None:
        now = self._clock.now()
        if now.monotonic_s - self._said.stats_at_s < self._settings.mqtt.stats_interval_s:
            return
        first = self._said.stats_at_s < 0
        self._said.stats_at_s = now.monotonic_s
        if not first:
            publisher.stats(
                health.stats(
                    now,
                    meter=pipeline.meter,
                    camera=reader,
                    outbox=outbox,
                    broker=publisher.broker_state,
                    model=pipeline.classifier.manifest.name,
                )
            )


def _detail(text: str) -> str:
    return f": {text}" if text else ""
