"""What docs/mqtt.md says is tried: its consumer runs, and its tables name every field and state."""

from __future__ import annotations

import re
import subprocess
import sys

import msgspec
import pytest

from edge.broker_state import BrokerState
from edge.clock import SystemClock
from edge.outbox import Outbox
from edge.payloads import InfoPayload, StatePayload, StatsPayload
from edge.publisher import Publisher
from edge.settings import MqttSettings
from edge.types import Event
from tests.events import life
from tests.mosquitto import Mosquitto, wait_for


@pytest.fixture(scope="module")
def text(root):
    return (root / "docs" / "mqtt.md").read_text()


@pytest.mark.parametrize("payload", [Event, StatePayload, StatsPayload, InfoPayload])
def test_every_field_is_explained(text, payload):
    missing = [name for name in payload.__struct_fields__ if not re.search(rf"[`\"]{name}[`\"]", text)]
    assert missing == []


def test_every_state_of_the_broker_is_explained(text):
    assert [state for state in BrokerState if f"`{state}`" not in text] == []


def test_every_setting_that_is_named_exists(text):
    settings = set(MqttSettings.__struct_fields__)
    named = set(re.findall(r"\[mqtt\] (\w+)", text))
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        named |= set(re.findall(r"^(\w+) = ", block, re.MULTILINE))
    assert named
    assert named <= settings


def test_the_example_event_is_one(text):
    [example] = re.findall(r"```json\n(\{\"schema\".*?)```", text, re.DOTALL)
    assert msgspec.json.decode(example, type=Event, strict=True).type == "new"


def test_the_example_consumer_gets_every_event_once_over_a_restart_of_the_broker(text, tmp_path):
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    clock = SystemClock()
    outbox = Outbox(tmp_path / "state" / "outbox.sqlite", max_rows=1000, max_age_s=1000)
    with Mosquitto(tmp_path / "broker") as mosquitto:
        log = tmp_path / "consumer.log"
        with log.open("w") as file:
            consumer = subprocess.Popen(
                [sys.executable, "-c", example, "127.0.0.1", str(mosquitto.port)], stdout=file, stderr=file
            )
        wait_for(lambda: "Sending SUBACK to house-log" in mosquitto.log.read_text(), "the subscription")
        settings = MqttSettings(url=mosquitto.url, reconnect_min_s=0.05, reconnect_max_s=0.2)
        publisher = Publisher(settings, outbox, device_id="cam", clock=clock)
        publisher.start()
        sent = []
        for number in range(20):
            if number == 10:
                mosquitto.stop()
                mosquitto.start()
            for one in life(f"f{number}", clock.now()):
                outbox.put(one, clock.now())
                sent.append(f"cam {one.face_id} {one.type} {one.emotion}")
            publisher.wake()
        assert publisher.stop(10)
        wait_for(lambda: len(log.read_text().splitlines()) >= len(sent), "all lines")
        consumer.kill()
        consumer.wait()
        assert log.read_text().splitlines() == sent
    outbox.close()
