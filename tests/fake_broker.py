"""A broker that misbehaves on purpose: it refuses versions or messages, is silent, or sends nonsense."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

CONNECT, PUBLISH, PINGREQ = 0x10, 0x30, 0xC0


@dataclass
class Publish:
    """One message as it was on the wire."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: bytes = b""


@dataclass
class FakeBroker:
    """Speaks just enough of MQTT 3.1.1 and 5 to test a publisher's answers to refusals.

    Attributes
    ----------
    answer: gives the PUBACK's reason for a message; None: no PUBACK.
    greeting: sent as soon as a client connects, instead of reading anything; b"" closes at once.
    versions: protocol levels that are accepted (4 is 3.1.1); others are refused with code 1.
    close_refused: a refused version is answered by closing the connection, without a word.
    connack_properties: of MQTT 5, as bytes.
    """

    answer: Callable[[Publish], int | None] = lambda _publish: 0
    greeting: bytes | None = None
    versions: tuple[int, ...] = (4, 5)
    close_refused: bool = False
    silent: bool = False
    connack_properties: bytes = b""
    received: list[Publish] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for sock in [self._server, *self._connections]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"

    def drop_connections(self) -> None:
        for sock in list(self._connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def send(self, packet: bytes) -> None:
        """Send something to the latest client."""
        self._connections[-1].sendall(packet)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.greeting is not None:
                connection.sendall(self.greeting)
                connection.close()
                return
            stream, level = connection.makefile("rb"), 4
            while header := stream.read(1):
                body = stream.read(_length(stream))
                kind = header[0] & 0xF0
                if self.silent:
                    continue
                if kind == CONNECT:
                    level = body[6]
                    self.levels.append(level)
                    if level not in self.versions:
                        if not self.close_refused:
                            connection.sendall(b"\x20\x02\x00\x01")
                        connection.close()
                        return
                    extra = (
                        bytes([len(self.connack_properties)]) + self.connack_properties if level == 5 else b""
                    )
                    connection.sendall(bytes([0x20, 2 + len(extra), 0, 0]) + extra)
                elif kind == PUBLISH:
                    self._publish(connection, header[0], body, level)
                elif kind == PINGREQ:
                    connection.sendall(b"\xd0\x00")
        except OSError:
            return

    def _publish(self, connection: socket.socket, header: int, body: bytes, level: int) -> None:
        size = struct.unpack("!H", body[:2])[0]
        topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
        qos = (header >> 1) & 3
        mid, rest = (rest[:2], rest[2:]) if qos else (b"", rest)
        properties = b""
        if level == 5:
            properties, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        message = Publish(topic, rest, qos, bool(header & 1), properties)
        self.received.append(message)
        reason = self.answer(message) if qos else None
        if reason is not None:
            connection.sendall(b"\x40\x03" + mid + bytes([reason]) if level == 5 else b"\x40\x02" + mid)


def _length(stream) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value
