"""A TCP proxy that cuts, stalls, half-closes and truncates connections at random, from a seed."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from typing import Self

FAULTS = ("cut", "truncate", "stall", "half-close")
STALL_S = 0.15


class FaultProxy:
    """Stands between a client and a broker; each chunk of bytes may meet a fault while `active`.

    Parameters
    ----------
    port: the broker's.
    probability: of a fault for each chunk.
    """

    def __init__(self, port: int, *, seed: int, probability: float = 0.03) -> None:
        self.active = True
        self.faults = dict.fromkeys(FAULTS, 0)
        self._target = port
        self._probability = probability
        self._random = random.Random(seed)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for sock in (client, broker):
                sock.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
                )  # else 40 ms for each small message
            for source, sink in ((client, broker), (broker, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(self._random.choice([64, 700, 4096])):
                fault = ""
                if self.active and self._random.random() < self._probability:
                    fault = self._random.choice(FAULTS)
                    self.faults[fault] += 1
                if fault == "stall":
                    time.sleep(STALL_S)
                elif fault == "truncate":
                    sink.sendall(data[: self._random.randrange(len(data))])
                if fault in {"cut", "truncate"}:
                    break
                sink.sendall(data)
                if fault == "half-close":
                    sink.shutdown(socket.SHUT_WR)
                    return
        except OSError:
            pass
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
