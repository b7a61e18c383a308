"""The publisher: what waits in the outbox goes to the broker, at least once and in order, on its own thread."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Final

from edge.broker import Ack, Broker, Will
from edge.broker_state import NOT_AUTHORISED, PAYLOAD_FORMAT_INVALID, BrokerState, Fault, fault_of_puback
from edge.clock import Clock
from edge.outbox import Outbox
from edge.outbox_table import Row
from edge.payloads import OFFLINE, ONLINE, InfoPayload, StatePayload, StatsPayload, Topics, encode
from edge.settings import MqttSettings

logger = logging.getLogger(__name__)

IDLE_S: Final = 1.0
"""The thread looks after keep-alive and outbox this often when nothing happens."""
MIN_ACK_TIMEOUT_S: Final = 10.0
"""A broker on a slow link may take this long to answer; after it, or after the keep-alive, it counts as stalled."""
MAX_REFUSALS: Final = 5
"""An event that the broker refuses this often, while it takes others, is given up."""
CAREFUL_MESSAGES: Final = 20
"""After a connection that broke at once, messages go one by one, events first, until this many were taken.

Mosquitto 2.0.11 ends the connection after each message that its access list forbids: sent together with others,
the forbidden one would keep them all back, and its PUBACK would not be read.
"""
FORBIDDEN_RETRY_S: Final = 600.0
"""A topic that the access list forbids is tried again this often: each try may cost the connection."""
LARGE_BYTES: Final = 2048
"""Events are half this size. Only a larger one may be why a broker ends the connection again and again."""
REFUSAL: Final = 0x80
"""MQTT's reason codes from here on are refusals."""
GOODBYE_S: Final = 2.0
"""How long a stop waits for `offline` to be acknowledged."""
JOIN_S: Final = 2.0
"""How much longer than its drain a stop waits for the thread, which may hang in a name look-up."""


@dataclass(frozen=True, slots=True)
class _Latest:
    """The latest value of a retained topic."""

    payload: bytes
    qos: int


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that waits for its PUBACK: an event, or the latest value of a topic."""

    row: Row | None
    topic: str
    at_s: float


class Publisher:
    """Sends events, state and health of one device; every public method returns at once, broker or not.

    Parameters
    ----------
    settings: the broker and how to reach it.
    outbox: where events wait; a row is deleted when the broker acknowledges that very message.
    device_id: second part of every topic.

    Raises
    ------
    BrokerError
        The broker's URL is not one, or a file of a secret or certificate cannot be used.
    """

    def __init__(self, settings: MqttSettings, outbox: Outbox, *, device_id: str, clock: Clock) -> None:
        self.topics = Topics(settings.base, device_id)
        self._outbox = outbox
        self._clock = clock
        self._settings = settings
        self._broker = Broker(
            settings,
            client_id=f"emotion-edge-{device_id}",
            will=Will(self.topics.availability, OFFLINE),
            clock=clock,
        )
        self._ack_timeout_s = max(MIN_ACK_TIMEOUT_S, float(settings.keepalive_s))
        self._stopping = threading.Event()
        self._drain_until_s = 0.0
        self._thread: threading.Thread | None = None
        # Guarded by the lock: the values that other threads hand over.
        self._lock = threading.Lock()
        self._latest: dict[str, _Latest] = {self.topics.availability: _Latest(ONLINE, 1)}
        self._due: dict[str, None] = {}  # topics whose latest value is to be sent, in order
        self._passing: list[tuple[str, bytes]] = []
        # Of the thread alone.
        self._sent: dict[int, _Sent] = {}
        self._refusals: dict[int, int] = {}  # rowid to how often the broker refused it and took others
        self._forbidden: dict[str, float] = {}  # topic to when the broker refused its latest value
        self._deaths: dict[int, int] = {}  # rowid of a large event to how many connections ended with it
        self._careful = 0  # this many more messages go one by one
        self._taken_since_refusal = False
        self._hold_until_s = float("-inf")
        self._holds = 0

    @property
    def broker_state(self) -> str:
        """How things stand with the broker, one of `BrokerState`."""
        return self._broker.state.value

    def start(self) -> None:
        """Begin to connect and send, on a thread of its own."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Say that a new row is in the outbox."""
        self._broker.interrupt()

    def state(self, payload: StatePayload) -> None:
        """Publish what is in view, retained; only the latest counts."""
        self._set(self.topics.state, _Latest(encode(payload), 0))

    def camera(self, online: bool) -> None:  # noqa: FBT001  # reads well: camera(True), camera(False)
        """Publish whether the camera gives pictures, retained."""
        self._set(self.topics.camera, _Latest(ONLINE if online else OFFLINE, 1))

    def info(self, payload: InfoPayload) -> None:
        """Publish what the device is, retained."""
        self._set(self.topics.info, _Latest(encode(payload), 1))

    def stats(self, payload: StatsPayload) -> None:
        """Publish how the device is doing; dropped while there is no broker."""
        if self._broker.connected:
            with self._lock:
                self._passing = [*self._passing[-9:], (self.topics.stats, encode(payload))]
            self._broker.interrupt()

    def stop(self, drain_s: float) -> bool:
        """Send what waits, for `drain_s` at the most, say `offline` and disconnect; return whether all is sent."""
        self._drain_until_s = self._clock.now().monotonic_s + drain_s
        self._stopping.set()
        self._broker.interrupt()
        if self._thread is not None:
            self._thread.join(drain_s + GOODBYE_S + JOIN_S)
        return self._outbox.depth == 0

    def _set(self, topic: str, latest: _Latest) -> None:
        with self._lock:
            self._latest[topic] = latest
            self._due[topic] = None
        self._broker.interrupt()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._guarded_round(IDLE_S)
        if not self._broker.connected and self._outbox.depth and self._left_to_drain_s() > 0:
            self._guarded_connect()  # one last chance: the rows are safe, but better sent
        while self._broker.connected and self._left_to_drain_s() > 0 and (self._outbox.depth or self._sent):
            self._guarded_round(min(IDLE_S, self._left_to_drain_s()))
        self._say_goodbye()

    def _left_to_drain_s(self) -> float:
        return self._drain_until_s - self._clock.now().monotonic_s

    def _guarded_round(self, idle_s: float) -> None:
        """One round; a mistake in it costs the connection, not the thread."""
        try:
            self._round(idle_s)
        except Exception:
            logger.exception("the publisher met an error and connects again")
            self._sent.clear()
            self._broker.drop("an error of its own")

    def _round(self, idle_s: float) -> None:
        now = self._clock.now()
        self._outbox.tend(now)
        if not self._broker.connected:
            self._forget_sent()
            if (wait_s := self._broker.retry_in_s()) > 0:
                self._clock.wait(self._stopping, min(wait_s, idle_s))
            else:
                self._connect()
            return
        self._send_latest(now.monotonic_s)
        self._send_rows(now.monotonic_s)
        if (held_s := self._hold_until_s - now.monotonic_s) > 0:
            idle_s = min(idle_s, held_s)
        for ack in self._broker.poll(idle_s):
            self._answered(ack)
        self._report_well()
        self._check_stall()

    def _guarded_connect(self) -> None:
        try:
            self._connect()
        except Exception:
            logger.exception("the publisher met an error")

    def _connect(self) -> None:
        self._forget_sent()
        careful = CAREFUL_MESSAGES if self._broker.breaks else 0
        if not self._broker.connect():
            return
        self._careful = careful
        self._hold_until_s, self._holds = float("-inf"), 0
        with self._lock:
            self._passing.clear()
            self._due = dict.fromkeys(self._latest)

    def _forget_sent(self) -> None:
        """Forget what was under way when the connection ended: it waits in the outbox and is sent again."""
        for sent in self._sent.values():
            if sent.row is not None and len(sent.row.payload) > LARGE_BYTES:
                self._deaths[sent.row.rowid] = self._deaths.get(sent.row.rowid, 0) + 1
                if self._deaths[sent.row.rowid] >= MAX_REFUSALS:
                    self._give_up(sent.row, "the broker ends the connection at each try")
        self._sent.clear()

    @property
    def _window(self) -> int:
        return 1 if self._careful else self._broker.receive_maximum

    def _send_latest(self, now_s: float) -> None:
        with self._lock:
            due = {topic: self._latest[topic] for topic in self._due}
            self._due.clear()
            passing, self._passing = self._passing, []
        later = []
        for topic, latest in due.items():
            if now_s - self._forbidden.get(topic, float("-inf")) < FORBIDDEN_RETRY_S:
                continue
            full = latest.qos > 0 and len(self._sent) >= self._window
            if full or (self._careful and topic != self.topics.availability and self._events_go_first(now_s)):
                later.append(topic)
            else:
                self._publish(None, topic, latest.payload, qos=latest.qos, retain=True)
        if later:
            with self._lock:
                self._due |= dict.fromkeys(later)
        elif not self._sent and not self._outbox.depth:
            self._careful = 0
        for topic, payload in passing:
            self._publish(None, topic, payload, qos=0, retain=False)

    def _events_go_first(self, now_s: float) -> bool:
        return bool(self._sent) or (self._outbox.depth > 0 and now_s >= self._hold_until_s)

    def _send_rows(self, now_s: float) -> None:
        room = min(self._settings.in_flight, self._window) - len(self._sent)
        if room <= 0 or now_s < self._hold_until_s:
            return
        flying = {sent.row.rowid for sent in self._sent.values() if sent.row}
        if self._refusals and flying:
            return  # after a refusal everything starts again from the oldest, once the answers are in
        for row in self._outbox.pending(room + len(flying)):
            if row.rowid in flying or room <= 0:
                continue
            if not self._broker.fits(self.topics.events, row.payload):
                self._give_up(row, "larger than the broker's limit")
                continue
            if not self._publish(row, self.topics.events, row.payload, qos=1, retain=False):
                return
            room -= 1

    def _publish(self, row: Row | None, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        expiry_s = self._outbox.max_age_s if row else None
        mid = self._broker.publish(topic, payload, qos=qos, retain=retain, expiry_s=expiry_s)
        if mid is None:
            return False
        if qos:
            self._sent[mid] = _Sent(row, topic, self._clock.now().monotonic_s)
        return True

    def _answered(self, ack: Ack) -> None:
        sent = self._sent.pop(ack.mid, None)
        if sent is None:
            return  # of QoS 0
        if ack.reason >= REFUSAL:
            self._refused(sent, ack)
            return
        if sent.row is None:
            self._forbidden.pop(sent.topic, None)
        else:
            self._outbox.acknowledge(sent.row.rowid)
            self._refusals.pop(sent.row.rowid, None)
            self._taken_since_refusal = True
            self._holds = 0
            self._careful = max(0, self._careful - 1)

    def _report_well(self) -> None:
        if self._broker.connected and not self._refusals and not self._forbidden:
            self._broker.report(Fault(BrokerState.CONNECTED, "it takes messages again"))

    def _refused(self, sent: _Sent, ack: Ack) -> None:
        self._broker.report(fault_of_puback(ack.reason, ack.text))
        if sent.row is None:
            if ack.reason == NOT_AUTHORISED:
                self._forbidden[sent.topic] = self._clock.now().monotonic_s
            return
        if ack.reason == PAYLOAD_FORMAT_INVALID:
            self._give_up(sent.row, ack.text)
            return
        # Only a refusal while others are taken speaks against the event itself.
        count = self._refusals.get(sent.row.rowid, 0) + self._taken_since_refusal
        self._taken_since_refusal = False
        self._refusals[sent.row.rowid] = count
        if count >= MAX_REFUSALS:
            self._give_up(sent.row, ack.text)
            return
        wait_s = self._settings.reconnect_min_s * 2.0 ** min(self._holds, 30)
        self._holds += 1
        self._hold_until_s = self._clock.now().monotonic_s + min(wait_s, self._settings.reconnect_max_s)

    def _give_up(self, row: Row, why: str) -> None:
        logger.warning("event %s is given up: %s", row.event_id, why)
        self._outbox.refuse(row.rowid)
        self._refusals.pop(row.rowid, None)
        self._deaths.pop(row.rowid, None)

    def _check_stall(self) -> None:
        oldest_s = min((sent.at_s for sent in self._sent.values()), default=None)
        if oldest_s is not None and self._clock.now().monotonic_s - oldest_s > self._ack_timeout_s:
            self._broker.drop("it acknowledges nothing")

    def _say_goodbye(self) -> None:
        """Publish `offline` by hand: the broker sends the will only for a client that vanished."""
        try:
            until_s = self._clock.now().monotonic_s + GOODBYE_S
            mid = self._broker.publish(self.topics.availability, OFFLINE, qos=1, retain=True)
            while mid is not None and self._broker.connected:
                left_s = until_s - self._clock.now().monotonic_s
                acks = self._broker.poll(max(0.0, left_s))
                for ack in acks:
                    self._answered(ack)
                if left_s <= 0 or any(ack.mid == mid for ack in acks):
                    break
            self._broker.disconnect()
        except Exception:
            logger.exception("the publisher could not say goodbye")
