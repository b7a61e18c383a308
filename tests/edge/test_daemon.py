"""The daemon as a process, against a real broker: what happens when either of them dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict

import pytest

from edge.apps.clip import bundled_clip
from tests.mosquitto import Mosquitto, Subscriber, wait_for

BROKER_AWAY_S = 10.0


class Process:
    """`emotion-edge run` as a process whose standard output is read as it comes."""

    def __init__(self, *arguments, env=None):
        command = [sys.executable, "-m", "edge", "run", "--json", *map(str, arguments)]
        self.popen = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.events: list[dict] = []
        self.log: list[str] = []
        self._readers = [
            threading.Thread(
                target=self._read, args=(self.popen.stdout, lambda x: self.events.append(json.loads(x)))
            ),
            threading.Thread(target=self._read, args=(self.popen.stderr, self.log.append)),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, keep):
        for line in stream:
            keep(line)

    def wait(self, timeout_s=60):
        code = self.popen.wait(timeout_s)
        for reader in self._readers:
            reader.join(5)
        self.popen.stdout.close()
        self.popen.stderr.close()
        return code

    def end(self, number=signal.SIGTERM):
        self.popen.send_signal(number)
        return self.wait()

    def has_logged(self, text):
        return any(text in line for line in self.log)


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def check_lives(events):
    """Each face: new, updates, one end, numbers without a gap, in order."""
    lives = defaultdict(list)
    for event in events:
        lives[event["face_id"]].append(event)
    for life in lives.values():
        assert [event["seq"] for event in life] == list(range(len(life)))
        assert [life[0]["type"], life[-1]["type"]] == ["new", "end"]
        assert sum(event["type"] == "end" for event in life) == 1


def test_nothing_is_lost_when_the_broker_and_then_the_daemon_are_killed(broker, tmp_path):
    """The promise of the README: Mosquitto away for ten seconds, then kill -9 of the daemon, then a restart."""
    options = ("--source", bundled_clip(), "--loop", "--broker", broker.url, "--state-dir", tmp_path / "state",
               "--device-id", "cam", "--set", "mqtt.reconnect_max_s=2")  # fmt: skip
    with Subscriber(broker) as consumer:
        first = Process(*options)
        wait_for(lambda: len(first.events) >= 2, "two events", 40)
        # A Mosquitto killed between its PUBACK and its save forgets what it took over; no daemon can help that.
        wait_for(lambda: len(consumer.unique) >= len(first.events), "what was told so far")
        broker.kill()
        time.sleep(BROKER_AWAY_S)
        told_while_away = len(first.events)
        broker.start()
        wait_for(lambda: len(first.events) > told_while_away, "an event after the broker came back", 40)
        alive = {e["face_id"] for e in first.events} - {
            e["face_id"] for e in first.events if e["type"] == "end"
        }
        first.end(signal.SIGKILL)
        second = Process(*options)
        wait_for(lambda: any(e["type"] == "new" for e in second.events), "a new face after the restart", 40)
        assert second.end() == 0, second.log
        told = [*first.events, *second.events]
        wait_for(lambda: len(consumer.unique) >= len({e["id"] for e in told}), "all events at the consumer")
        unique = consumer.unique
    # The kill may come between the outbox and the print: the consumer may know more, never less.
    assert {event["id"] for event in told} <= {event["id"] for event in unique}
    check_lives(unique)
    restarted = [event for event in unique if event.get("reason") == "restart"]
    assert {event["face_id"] for event in restarted} == alive
    assert unique[-1]["type"] == "end"


def test_sigterm_ends_every_face_and_says_offline(broker, tmp_path):
    with Subscriber(broker) as consumer:
        daemon = Process(
            "--source", bundled_clip(), "--broker", broker.url, "--state-dir", tmp_path, "--device-id", "cam"
        )
        wait_for(lambda: daemon.events, "an event", 40)
        assert consumer.last("cam/availability") == b"online"
        assert consumer.last("camera/availability") == b"online"
        assert json.loads(consumer.last("cam/info"))["labels"][:2] == ["neutral", "happy"]
        wait_for(lambda: json.loads(consumer.last("cam/state"))["faces"] > 0, "a face in state")
        assert daemon.end() == 0
        wait_for(lambda: consumer.last("cam/availability") == b"offline", "offline")
        assert json.loads(consumer.last("cam/state"))["faces"] == 0
        assert consumer.last("camera/availability") == b"offline"
        check_lives(consumer.unique)
        stopped = [event for event in consumer.unique if event.get("reason") == "stopped"]
        assert stopped
    assert not daemon.has_logged("Traceback")


def test_no_payload_holds_pixels(broker, tmp_path):
    """Every message the daemon sends is small JSON with the documented keys, and the outbox holds no more."""
    with Subscriber(broker) as consumer:
        daemon = Process(
            "--source", bundled_clip(), "--broker", broker.url, "--state-dir", tmp_path, "--device-id", "cam",
            "--set", "mqtt.stats_interval_s=2",
        )  # fmt: skip
        wait_for(lambda: daemon.events and consumer.last("cam/stats"), "an event and stats", 40)
        daemon.end()
        assert max(len(payload) for _, payload, _ in consumer.messages) < 2000
        keys = {"schema", "id", "type", "face_id", "seq", "emotion", "confidence", "probabilities", "start_ts", "ts",
                "end_ts", "device", "boot_id", "view", "reason"}  # fmt: skip
        assert set().union(*consumer.events) <= keys
        stats = json.loads(consumer.last("cam/stats"))
    assert stats["fps"] > 0
    assert stats["camera"] == "playing"
    assert stats["stages"]["find"]["median_ms"] >= 0
    assert stats["rss_mb"] < 120


def test_without_a_broker_it_watches_on_and_keeps_the_events(tmp_path):
    options = ("--broker", "mqtt://127.0.0.1:9", "--state-dir", tmp_path, "--set", "mqtt.drain_s=0.2")
    daemon = Process("--source", bundled_clip(), *options)
    wait_for(lambda: daemon.events, "an event", 40)
    assert daemon.end() == 0
    assert sum("refused" in line for line in daemon.log) == 1, daemon.log
    assert daemon.has_logged("wait in the outbox")
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as consumer:
        again = Process("--source", bundled_clip(), "--broker", broker.url, "--state-dir", tmp_path)
        told = [event["id"] for event in daemon.events]
        wait_for(lambda: {e["id"] for e in consumer.unique} >= set(told), "what the first run left")
        again.end()
        check_lives(consumer.unique)


def test_a_refused_password_is_said_once_and_the_loop_goes_on(tmp_path):
    password = tmp_path / "password"
    password.write_text("wrong\n")
    with Mosquitto(tmp_path / "broker", users={"kiosk": "right"}) as broker:
        url = broker.url.replace("://", "://kiosk@")
        daemon = Process(
            "--source", bundled_clip(), "--broker", url, "--state-dir", tmp_path / "state",
            "--set", f"mqtt.password_file={password}", "--set", "mqtt.reconnect_max_s=1", "--set", "mqtt.drain_s=0.2",
        )  # fmt: skip
        wait_for(lambda: daemon.events, "an event", 40)
        assert daemon.end() == 0
    complaints = [line for line in daemon.log if "refuses user" in line]
    assert len(complaints) == 1, daemon.log
    assert not any("wrong" in line.split() for line in daemon.log)


def test_a_second_daemon_is_refused_and_told_who_the_first_is(tmp_path):
    options = ("--source", bundled_clip(), "--broker", "mqtt://127.0.0.1:9", "--state-dir", tmp_path,
               "--set", "mqtt.drain_s=0.2")  # fmt: skip
    first = Process(*options)
    wait_for(lambda: first.log, "the first daemon's start", 20)
    second = Process(*options)
    assert second.wait() == 5
    assert second.has_logged(f"process {first.popen.pid}")
    assert len(second.log) == 1
    assert first.end() == 0


def test_a_missing_camera_is_a_named_state_not_an_end(tmp_path, broker):
    with Subscriber(broker) as consumer:
        daemon = Process(
            "--source", "63", "--broker", broker.url, "--state-dir", tmp_path, "--device-id", "cam",
            "--set", "source.reopen_max_s=1", "--set", "mqtt.stats_interval_s=1",
        )  # fmt: skip
        wait_for(lambda: consumer.last("camera/availability") == b"offline", "camera offline")
        wait_for(lambda: consumer.last("cam/stats"), "stats")
        assert json.loads(consumer.last("cam/stats"))["camera"] == "gone"
        assert daemon.popen.poll() is None
        assert daemon.end(signal.SIGINT) == 0
    assert sum("/dev/video63" in line for line in daemon.log) == 1, daemon.log


def test_the_end_of_a_clip_is_a_clean_end(tmp_path, broker):
    with Subscriber(broker) as consumer:
        daemon = Process(
            "--source", bundled_clip(), "--broker", broker.url, "--state-dir", tmp_path, "--max-frames", "30"
        )
        assert daemon.wait() == 0
        wait_for(lambda: consumer.last("/availability") == b"offline", "offline")
