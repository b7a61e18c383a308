"""A real Mosquitto for tests: a free loopback port, its own folder; it can be killed, restarted and watched."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

DEADLINE_S = 20.0


def mosquitto_path(name: str = "mosquitto") -> str:
    """The program's path; without it the test fails in CI and is skipped, with the reason, elsewhere."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path:
        return path
    reason = f"needs the program {name}: apt-get install -y mosquitto"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = DEADLINE_S):
    """Poll until the condition is true, and return its value."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    pytest.fail(f"not seen in {timeout_s} s: {what}")


class Mosquitto:
    """One broker process.

    Parameters
    ----------
    folder: its configuration, data and log go here.
    users: name to password; None lets everybody in.
    acl: lines of an access list.
    tls: folder with server.pem, server.key and ca.pem.
    client_certificates: clients must show a certificate signed by ca.pem.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: dict[str, str] | None = None,
        acl: str = "",
        tls: Path | None = None,
        client_certificates: bool = False,
        extra: str = "",
        port: int | None = None,
    ) -> None:
        self.program = mosquitto_path()
        self.folder = folder
        self.port = port or free_port()
        self.tls = tls
        self.log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"allow_anonymous {'true' if users is None else 'false'}",
            # Saved after every change, so that a SIGKILL finds what was acknowledged on disk.
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 0",
            # A consumer that is there gets each message before the publisher gets its PUBACK.
            "max_inflight_messages 0",
            "log_type all",
            f"log_dest file {self.log}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it changes to a user who cannot write into the folder
        if users is not None:
            passwords = folder / "passwords"
            passwords.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run(
                    [mosquitto_path("mosquitto_passwd"), "-b", str(passwords), name, password],
                    check=True,
                    capture_output=True,
                )
            lines.append(f"password_file {passwords}")
        if acl:
            (folder / "acl").write_text(acl)
            lines.append(f"acl_file {folder / 'acl'}")
        if extra:
            lines.append(extra)
        lines.append(f"listener {self.port} 127.0.0.1")
        if tls:
            lines += [f"cafile {tls}/ca.pem", f"certfile {tls}/server.pem", f"keyfile {tls}/server.key"]
            lines.append(f"require_certificate {'true' if client_certificates else 'false'}")
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = subprocess.Popen(
            [self.program, "-c", str(self.folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        wait_for(self._listens, f"mosquitto listening on {self.port}")

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = self.log.read_text() if self.log.exists() else ""
            pytest.fail(
                f"mosquitto ended with {self._process.returncode}: {self._process.stderr.read()} {log}"
            )
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Stop it in its tracks: connections stay open and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.wait(10)
        process.stderr.close()


class Subscriber:
    """A consumer with a persistent session, as docs/mqtt.md advises: it notes every message in order."""

    def __init__(self, broker: Mosquitto, topics: str = "emo/#", *, name: str = "consumer") -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self._ready = threading.Event()
        self.connected = False
        self._topics = topics
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self._client.on_subscribe = lambda *_: self._note_connected(True)
        self._client.on_disconnect = lambda *_: self._note_connected(False)
        self._client.on_message = lambda _client, _data, message: self.messages.append(
            (message.topic, message.payload, message.retain)
        )
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._ready.wait(DEADLINE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note_connected(self, connected: bool) -> None:
        self.connected = connected
        if connected:
            self._ready.set()

    @property
    def events(self) -> list[dict]:
        """All events, duplicates too."""
        return [json.loads(payload) for topic, payload, _ in list(self.messages) if topic.endswith("/events")]

    @property
    def unique(self) -> list[dict]:
        """Events without those whose id was seen before."""
        first: dict[str, dict] = {}
        for event in self.events:
            first.setdefault(event["id"], event)
        return list(first.values())

    def has(self, count: int) -> bool:
        """Whether so many different events have come."""
        return len(self.unique) >= count

    def last(self, suffix: str) -> bytes | None:
        """The latest payload of a topic that ends so."""
        found = [payload for topic, payload, _ in list(self.messages) if topic.endswith(suffix)]
        return found[-1] if found else None
