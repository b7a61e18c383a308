"""One MQTT connection, driven by its owner's thread: no callback or exception of the client library escapes."""

from __future__ import annotations

import contextlib
import logging
import random
import select
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.broker_secrets import one_username, read_password, read_password_again, tls_context
from edge.broker_state import (
    NO_ANSWER,
    REFUSING,
    UNSTABLE,
    BrokerState,
    Fault,
    fault_of_connack,
    fault_of_disconnect,
    fault_of_error,
)
from edge.broker_url import parse_broker_url
from edge.clock import Clock
from edge.errors import BrokerError
from edge.settings import MqttSettings

logger = logging.getLogger(__name__)

STABLE_S: Final = 10.0
"""A connection that lasted this long was a good one: the next attempt waits the shortest time again."""
UNSTABLE_AFTER: Final = 3
"""This many connections in a row that do not last are a state of their own: else the log would tell of each."""
OLDER_HELPED: Final = 2
"""A broker that is silent to MQTT 5 and answers 3.1.1 this often is not asked for 5 again."""
MAX_IN_FLIGHT: Final = 0xFFFF
"""What the protocol allows where the broker does not say less."""
PACKET_OVERHEAD: Final = 32
"""More than a PUBLISH needs besides topic and payload: header, lengths, packet id, message expiry."""
GOODBYE_S: Final = 1.0
"""How long the last packet may take to leave."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this client is gone without a word."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker's answer to one message; a reason of 0x80 or more is a refusal."""

    mid: int
    reason: int
    text: str


class Broker:
    """A connection that its owner opens, polls and closes from one thread; only `interrupt` is for others.

    A fresh paho client for each connection: so the library never sends a queue of its own after a reconnect,
    beside the outbox's.

    Parameters
    ----------
    settings: address, secrets and intervals.
    client_id: the same over restarts, so that the broker ends a half-open connection of this device itself.

    Raises
    ------
    BrokerError
        The address is not one, or a file of a secret or certificate cannot be used.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        will: Will,
        clock: Clock,
        jitter: Callable[[float, float], float] | None = None,
    ) -> None:
        self.address = parse_broker_url(settings.url)
        self._settings = settings
        self._client_id = client_id
        self._will = will
        self._clock = clock
        self._jitter = jitter or random.SystemRandom().uniform
        self._username = one_username(self.address.username, settings.username)
        self._password = read_password(settings.password_file)
        if self._password is not None and not self._username:
            raise BrokerError(
                "[mqtt] password_file is set without a user name",
                expected="mqtts://user@host or [mqtt] username",
            )
        if self._password is not None and not self.address.tls and not self.address.is_loopback:
            logger.warning("broker %s: the password travels readably; to fix: use mqtts://", self.address)
        self._tls = tls_context(settings) if self.address.tls else None
        if not self.address.tls and (settings.ca_file or settings.cert_file):
            raise BrokerError(
                f"[mqtt] has a certificate file, but the URL {self.address} is without TLS",
                expected="mqtts://",
                fix="write mqtts:// in [mqtt] url, or empty ca_file, cert_file and key_file",
            )
        self._client: mqtt.Client | None = None
        self._connack: Fault | None = None
        self._fault: Fault | None = None
        self._acks: list[Ack] = []
        self._only_older = settings.protocol == "3.1.1"
        self._older = self._only_older
        self._older_helped = 0
        self._failures = 0
        self._brief = 0  # connections in a row that did not last
        self._connected_at_s = 0.0
        self._retry_at_s = float("-inf")
        self._state = BrokerState.CONNECTING
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self.receive_maximum = MAX_IN_FLIGHT
        """How many messages the broker lets wait for their acknowledgement."""
        self._max_packet: int | None = None

    @property
    def state(self) -> BrokerState:
        """How things stand."""
        return self._state

    @property
    def connected(self) -> bool:
        """Whether messages can be published."""
        return self._client is not None

    @property
    def protocol(self) -> str:
        """The protocol version of the connection: `5` or `3.1.1`."""
        return "3.1.1" if self._older else "5"

    @property
    def breaks(self) -> bool:
        """Whether the connection before this one did not last."""
        return self._brief > 0

    def retry_in_s(self) -> float:
        """Return how long to wait before the next `connect`."""
        return max(0.0, self._retry_at_s - self._clock.now().monotonic_s)

    def connect(self) -> bool:
        """Try once to connect; return whether it went well. Blocks for a few `connect_timeout_s` at the most."""
        self._older = self._only_older
        fault = self._attempt()
        if fault is not None and not self._older and self._settings.protocol == "auto":
            if fault.state == BrokerState.REFUSED_PROTOCOL:
                self._only_older = self._older = True
                fault = self._attempt()
            elif fault is NO_ANSWER:  # how some brokers refuse a newer client; once may have been chance
                self._older = True
                fault = self._attempt()
                self._older_helped += fault is None
                self._only_older = self._older_helped >= OLDER_HELPED
        if fault is None:
            self._connected_at_s = self._clock.now().monotonic_s
            self._report_connection(Fault(BrokerState.CONNECTED, f"MQTT {self.protocol}"))
            return True
        self._close(fault)
        return False

    def poll(self, timeout_s: float) -> list[Ack]:
        """Read, write and keep alive for one turn; return the answers that came."""
        if (client := self._client) is not None:
            try:
                self._turn(client, timeout_s)
            except Exception as error:  # a broker that sends nonsense must not end the thread
                self._close(
                    Fault(BrokerState.LOST, f"the broker sent what cannot be read ({type(error).__name__})")
                )
            else:
                if client.socket() is None:
                    self._close(self._fault or Fault(BrokerState.LOST, "the connection broke"))
        acks, self._acks = self._acks, []
        return acks

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, expiry_s: float | None = None
    ) -> int | None:
        """Send a message; return its id, or None when the connection is gone."""
        if self._client is None:
            return None
        properties = None
        if expiry_s is not None and self.protocol == "5":
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, min(int(expiry_s), 0xFFFFFFFF))
        try:
            info = self._client.publish(topic, payload, qos, retain, properties)
        except Exception as error:
            self._close(fault_of_error(error, host=self.address.host))
            return None
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._close(self._fault or Fault(BrokerState.LOST, "the connection broke"))
            return None
        return info.mid

    def fits(self, topic: str, payload: bytes) -> bool:
        """Return whether the broker takes a message of this size."""
        return self._max_packet is None or len(topic) + len(payload) + PACKET_OVERHEAD <= self._max_packet

    def drop(self, detail: str) -> None:
        """Give up a connection that does not answer; the broker publishes the will."""
        self._close(Fault(BrokerState.LOST, detail))

    def disconnect(self) -> None:
        """Say goodbye, so that the broker does not publish the will."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.disconnect()
                deadline_s = self._clock.now().monotonic_s + GOODBYE_S
                while client.socket() is not None and self._clock.now().monotonic_s < deadline_s:
                    if not self._turn(client, GOODBYE_S):
                        break
            except Exception as error:  # it is going anyway
                logger.debug("goodbye to %s failed: %s", self.address, type(error).__name__)
            _close_socket(client)
        self.report(Fault(BrokerState.STOPPED, "as asked"))

    def interrupt(self) -> None:
        """Make a `poll` in progress, or the next one, return at once. For any thread."""
        with contextlib.suppress(BlockingIOError):  # then enough wake-ups wait already
            self._wake_write.send(b"\0")

    def report(self, fault: Fault) -> None:
        """Take on a state; say it once, when it changes."""
        unproven = self._brief >= UNSTABLE_AFTER and self._lasted_s() < STABLE_S
        if fault.state == self._state or (fault.state == BrokerState.CONNECTED and unproven):
            return
        self._state = fault.state
        calm = fault.state in {BrokerState.CONNECTED, BrokerState.STOPPED}
        logger.log(
            logging.INFO if calm else logging.WARNING,
            "broker %s: %s: %s",
            self.address,
            fault.state,
            fault.detail,
        )

    def _attempt(self) -> Fault | None:
        """Connect once with one protocol; return what went wrong."""
        self._connack = self._fault = None
        self._acks = []
        client = self._new_client()
        try:
            client.connect(
                self.address.host,
                self.address.port,
                self._settings.keepalive_s,
                clean_start=True
                if client.protocol == MQTTProtocolVersion.MQTTv5
                else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
            )
            deadline_s = self._clock.now().monotonic_s + self._settings.connect_timeout_s
            while self._answer() is None and client.socket() is not None:
                left_s = deadline_s - self._clock.now().monotonic_s
                if left_s <= 0 or not self._turn(client, left_s):
                    break
        except Exception as error:
            _close_socket(client)
            return fault_of_error(error, host=self.address.host)
        fault = self._answer() or NO_ANSWER
        if fault.state != BrokerState.CONNECTED or client.socket() is None:
            _close_socket(client)
            return fault if fault.state != BrokerState.CONNECTED else NO_ANSWER
        self._client = client
        return None

    def _answer(self) -> Fault | None:
        """Return what the broker said to this connection, once it has."""
        return self._connack

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=True if self._older else None,
            protocol=MQTTProtocolVersion.MQTTv311 if self._older else MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._settings.connect_timeout_s
        client.max_inflight_messages_set(0)  # the publisher keeps the window
        client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        if self._username:
            self._password = read_password_again(self._settings.password_file, self._password)
            client.username_pw_set(self._username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _turn(self, client: mqtt.Client, timeout_s: float) -> bool:
        """Wait for the network or `interrupt`, and let the client work; return whether anything happened."""
        sock = client.socket()
        if sock is None:
            return False
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        poller.register(sock, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        ready = dict(poller.poll(0 if buffered else max(0, round(timeout_s * 1000))))
        if self._wake_read.fileno() in ready:
            self._wake_read.recv(4096)
        if buffered or ready.get(sock.fileno(), 0) & ~select.POLLOUT:
            client.loop_read()
        if client.want_write():
            client.loop_write()
        client.loop_misc()
        return buffered or bool(ready)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        self._connack = fault_of_connack(reason.value, str(reason), self._username)
        self.receive_maximum = getattr(properties, "ReceiveMaximum", MAX_IN_FLIGHT)
        self._max_packet = getattr(properties, "MaximumPacketSize", None)

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        self._fault = self._fault or fault_of_disconnect(
            reason.value, str(reason), from_broker=flags.is_disconnect_packet_from_server
        )

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        self._acks.append(Ack(mid, reason.value, str(reason)))

    def _report_connection(self, fault: Fault) -> None:
        """Report, unless a refusal stands: some brokers end the connection after each refused message."""
        if self._state not in REFUSING or fault.state not in {
            BrokerState.CONNECTED,
            BrokerState.LOST,
            BrokerState.UNSTABLE,
        }:
            self.report(fault)

    def _lasted_s(self) -> float:
        return self._clock.now().monotonic_s - self._connected_at_s

    def _close(self, fault: Fault) -> None:
        """Forget the connection and plan the next attempt."""
        client, self._client = self._client, None
        if client is not None:
            _close_socket(client)
            self._brief += 1
            if self._lasted_s() >= STABLE_S:
                self._failures = self._brief = 0
            if self._brief >= UNSTABLE_AFTER and fault.state == BrokerState.LOST:
                fault = UNSTABLE
        now_s = self._clock.now().monotonic_s
        wait_s = min(
            self._settings.reconnect_max_s, self._settings.reconnect_min_s * 2.0 ** min(self._failures, 30)
        )
        self._failures += 1
        # Jitter keeps a house full of devices from coming back at the same instant.
        self._retry_at_s = now_s + wait_s * self._jitter(0.5, 1.0)
        self._report_connection(fault)


def _close_socket(client: mqtt.Client) -> None:
    sock = client.socket()
    if sock is not None:
        sock.close()
