from __future__ import annotations

import json
import logging
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from functools import partial

import pytest

from edge import publisher as publisher_module
from edge.clock import SystemClock
from edge.errors import BrokerError
from edge.outbox import Outbox
from edge.payloads import InfoPayload, ModelInfo, StatePayload
from edge.publisher import Publisher
from edge.settings import MqttSettings
from tests.certificates import Authority
from tests.events import event, life
from tests.fake_broker import FakeBroker
from tests.fault_proxy import FaultProxy
from tests.mosquitto import Mosquitto, Subscriber, free_port, wait_for

CLOCK = SystemClock()
FAST = {"connect_timeout_s": 2.0, "reconnect_min_s": 0.05, "reconnect_max_s": 0.2, "keepalive_s": 2}


@pytest.fixture
def mosquitto(tmp_path):
    with Mosquitto(tmp_path / "broker") as mosquitto:
        yield mosquitto


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(tmp_path / "state" / "outbox.sqlite", max_rows=100_000, max_age_s=86_400.0)
    yield outbox
    outbox.close()


@pytest.fixture
def publish(outbox):
    """Start publishers that are stopped at the end."""
    publishers = []

    def start(url, device_id="cam", **more):
        publisher = Publisher(
            MqttSettings(url=url, **(FAST | more)), outbox, device_id=device_id, clock=CLOCK
        )
        publishers.append(publisher)
        publisher.start()
        return publisher

    yield start
    for publisher in publishers:
        publisher.stop(0)


def put(outbox, publisher, *events):
    for one in events:
        outbox.put(one, CLOCK.now())
        publisher.wake()
    return list(events)


def state(faces=1):
    return StatePayload(faces=faces, emotion="happy", confidence=0.9, ts=CLOCK.now().stamp)


def info():
    return InfoPayload(
        device="cam",
        version="0",
        boot_id="b",
        model=ModelInfo(name="m", version="1", sha256=""),
        view="ferplus",
        labels=("happy",),
        settings={},
        ts=CLOCK.now().stamp,
    )


def assert_whole_and_in_order(received, sent):
    """Every event is there, and each face's in order; duplicates were dropped by id."""
    assert sorted(one["id"] for one in received) == sorted(one.id for one in sent)
    numbers = defaultdict(list)
    for one in received:
        numbers[one["face_id"]].append(one["seq"])
    assert all(seqs == list(range(len(seqs))) for seqs in numbers.values())


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- the contract -----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
def test_events_arrive_once_in_order_and_leave_the_outbox(mosquitto, outbox, publish, protocol):
    with Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url, protocol=protocol)
        sent = [
            one for number in range(50) for one in put(outbox, publisher, *life(f"f{number}", CLOCK.now()))
        ]
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        wait_for(lambda: len(consumer.events) >= len(sent), "all events")
        assert [one["id"] for one in consumer.events] == [one.id for one in sent]
        assert publisher.broker_state == "connected"
        assert not any(retain for topic, _, retain in consumer.messages if topic.endswith("/events"))


def test_state_info_and_availability_are_retained_for_a_late_consumer(mosquitto, publish):
    publisher = publish(mosquitto.url)
    publisher.camera(True)
    publisher.info(info())
    for faces in range(5):
        publisher.state(state(faces))
    with Subscriber(mosquitto, "emo/cam/state", name="watcher") as watcher:
        wait_for(lambda: b'"faces":4' in (watcher.last("state") or b""), "the state")
    with Subscriber(mosquitto, name="late") as late:
        wait_for(lambda: len(late.messages) == 4, "four retained messages")
        assert {topic for topic, _, _ in late.messages} == {
            "emo/cam/availability",
            "emo/cam/camera/availability",
            "emo/cam/state",
            "emo/cam/info",
        }
        assert all(retain for _, _, retain in late.messages)
        assert late.last("cam/availability") == late.last("camera/availability") == b"online"
        assert json.loads(late.last("state"))["faces"] == 4


def test_the_latest_values_are_sent_again_to_a_broker_that_forgot_them(tmp_path, publish):
    port = free_port()
    first = Mosquitto(tmp_path / "first", port=port)
    first.start()
    publisher = publish(first.url)
    publisher.camera(True)
    publisher.state(state(1))
    wait_for(lambda: publisher.broker_state == "connected", "a connection")
    first.kill()
    wait_for(lambda: publisher.broker_state == "connection-refused", "the loss")
    publisher.camera(False)
    publisher.state(state(7))
    with Mosquitto(tmp_path / "second", port=port) as second, Subscriber(second) as consumer:
        wait_for(lambda: len({topic for topic, _, _ in consumer.messages}) == 3, "three topics")
        assert consumer.last("cam/availability") == b"online"
        assert consumer.last("camera/availability") == b"offline"
        assert json.loads(consumer.last("state"))["faces"] == 7


def test_events_expire_on_the_broker_as_in_the_outbox(outbox, publish):
    with FakeBroker() as fake:
        publisher = publish(fake.url)
        put(outbox, publisher, event("a", 0, "new", CLOCK.now()))
        wait_for(lambda: outbox.depth == 0, "delivery")
        [sent] = [one for one in fake.received if one.topic == "emo/cam/events"]
    assert sent.properties == b"\x02" + (86_400).to_bytes(4, "big")
    assert (sent.qos, sent.retain) == (1, False)


# --- brokers that come and go -----------------------------------------------------------------------


def test_mosquitto_killed_in_the_middle_loses_nothing(mosquitto, outbox, publish):
    with Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url)
        sent = []
        for number in range(125):
            if number == 40:
                # What Mosquitto acknowledged and neither saved nor delivered dies with it: no publisher can help
                # that. So it is stopped in its tracks first, and what is under way then is unacknowledged.
                wait_for(partial(consumer.has, len(sent)), "what was sent so far")
                mosquitto.pause()
            if number == 45:
                mosquitto.kill()
            if number == 90:
                wait_for(lambda: publisher.broker_state == "connection-refused", "the loss")
                time.sleep(1)  # let several attempts fail
                mosquitto.start()
            sent += put(outbox, publisher, *life(f"f{number}", CLOCK.now(), updates=2))
        assert len(sent) == 500
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        wait_for(lambda: len(consumer.unique) >= 500, "all events")
        assert_whole_and_in_order(consumer.unique, sent)


def test_a_broker_restarted_again_and_again_under_load_loses_nothing(mosquitto, outbox, publish):
    """Restarted, not killed: a Mosquitto killed between its PUBACK and its save forgets what it took over."""
    with Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url)
        sent = []

        def load():
            for number in range(150):
                sent.extend(put(outbox, publisher, *life(f"f{number}", CLOCK.now())))
                time.sleep(0.01)

        thread = threading.Thread(target=load)
        thread.start()
        for _ in range(4):
            time.sleep(0.3)
            mosquitto.stop()
            mosquitto.start()
        thread.join()
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        wait_for(lambda: len(consumer.unique) >= len(sent), "all events")
        assert_whole_and_in_order(consumer.unique, sent)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_connections_cut_at_any_message_lose_nothing_and_keep_the_order(outbox, publish, protocol):
    """The broker takes a message and breaks before, or after, it says so: more than a hundred times."""
    chance, cuts = random.Random(7), []

    def answer(_message):
        if chance.random() < 0.12 and len(cuts) < 150:
            cuts.append(1)
            fake.drop_connections()
            return chance.choice([0, None])
        return 0

    with FakeBroker(answer=answer) as fake:
        publisher = publish(fake.url, reconnect_min_s=0.001, reconnect_max_s=0.002, protocol=protocol)
        sent = []
        number = 0
        while len(cuts) < 100:
            sent += put(outbox, publisher, *life(f"f{number}", CLOCK.now(), updates=2))
            number += 1
            wait_for(lambda: outbox.depth < 200, "room")
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        received = {}
        for one in fake.received:
            if one.topic == "emo/cam/events":
                received.setdefault(json.loads(one.payload)["id"], json.loads(one.payload))
    assert_whole_and_in_order(received.values(), sent)
    assert outbox.dropped.refused == 0


def test_a_network_that_cuts_stalls_half_closes_and_truncates_loses_nothing(
    mosquitto, outbox, publish, monkeypatch
):
    monkeypatch.setattr(publisher_module, "MIN_ACK_TIMEOUT_S", 0.3)
    with Subscriber(mosquitto) as consumer, FaultProxy(mosquitto.port, seed=3) as proxy:
        url = f"mqtt://127.0.0.1:{proxy.port}"
        publisher = publish(url, reconnect_min_s=0.001, reconnect_max_s=0.01, connect_timeout_s=0.3)
        sent, number = [], 0
        while sum(proxy.faults.values()) < 120:
            sent += put(outbox, publisher, *life(f"f{number}", CLOCK.now()))
            number += 1
            wait_for(lambda: outbox.depth < 100, "room")
        proxy.active = False
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        wait_for(lambda: len(consumer.unique) >= len(sent), "all events")
        assert_whole_and_in_order(consumer.unique, sent)
        assert all(proxy.faults.values())


def test_a_broker_that_hangs_is_given_up_and_the_events_sent_again(mosquitto, outbox, publish, monkeypatch):
    monkeypatch.setattr(publisher_module, "MIN_ACK_TIMEOUT_S", 0.5)
    with Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url)
        wait_for(lambda: publisher.broker_state == "connected", "a connection")
        mosquitto.pause()
        sent = put(outbox, publisher, *life("a", CLOCK.now()))
        wait_for(lambda: publisher.broker_state != "connected", "the stall noticed")
        mosquitto.resume()
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        wait_for(lambda: len(consumer.unique) == len(sent), "all events")
        assert_whole_and_in_order(consumer.unique, sent)


def test_a_broker_that_lives_and_acknowledges_nothing_is_given_up(outbox, publish, monkeypatch, caplog):
    monkeypatch.setattr(publisher_module, "MIN_ACK_TIMEOUT_S", 0.3)
    awake = threading.Event()
    with FakeBroker(answer=lambda _: 0 if awake.is_set() else None) as fake:
        publisher = publish(fake.url, keepalive_s=2)
        put(outbox, publisher, *life("a", CLOCK.now()))
        wait_for(lambda: len(fake.levels) >= 2, "a second connection")
        assert "acknowledges nothing" in caplog.text
        awake.set()
        wait_for(lambda: outbox.depth == 0, "an empty outbox")


def test_without_a_broker_everything_returns_at_once_and_waits(outbox, publish):
    publisher = publish(f"mqtt://127.0.0.1:{free_port()}")
    began = time.monotonic()
    put(outbox, publisher, *life("a", CLOCK.now()))
    publisher.camera(True)
    publisher.state(state())
    assert time.monotonic() - began < 0.5
    wait_for(lambda: publisher.broker_state == "connection-refused", "the state")
    began = time.monotonic()
    assert publisher.stop(5) is False
    assert time.monotonic() - began < 3  # it does not wait for a broker that is not there
    assert outbox.depth == 3


CHILD = """
import sys, time
from pathlib import Path
from edge.clock import SystemClock
from edge.outbox import Outbox
from edge.publisher import Publisher
from edge.settings import MqttSettings
from tests.events import life
clock = SystemClock()
outbox = Outbox(Path(sys.argv[2]), max_rows=100_000, max_age_s=1e6)
publisher = Publisher(MqttSettings(url=sys.argv[1], reconnect_min_s=0.05), outbox, device_id="cam", clock=clock)
publisher.start()
print("ready", flush=True)
for line in sys.stdin:
    for one in life(line.strip(), clock.now()):
        outbox.put(one, clock.now())
        print(one.id, flush=True)
    publisher.wake()
"""


def test_kill_9_of_the_daemon_publishes_the_will_and_loses_nothing(mosquitto, tmp_path, root):
    path = tmp_path / "child" / "outbox.sqlite"
    with Subscriber(mosquitto) as consumer:
        put_ids = []
        for run in range(2):
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD, mosquitto.url, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=root,
            )
            assert child.stdout.readline() == "ready\n"
            wait_for(lambda: consumer.last("cam/availability") == b"online", "online")
            child.stdin.write("".join(f"run{run}-{number}\n" for number in range(100)))
            child.stdin.flush()
            put_ids += [child.stdout.readline().strip() for _ in range(150)]
            child.send_signal(signal.SIGKILL)
            put_ids += [line.strip() for line in child.stdout if line.endswith("\n")]
            child.wait()
            child.stdin.close()
            child.stdout.close()
            wait_for(lambda: consumer.last("cam/availability") == b"offline", "the will")
        outbox = Outbox(path, max_rows=100_000, max_age_s=1e6)
        publisher = Publisher(MqttSettings(url=mosquitto.url), outbox, device_id="cam", clock=CLOCK)
        publisher.start()
        assert publisher.stop(10)
        wait_for(lambda: set(put_ids) <= {one["id"] for one in consumer.events}, "every event that was put")
        numbers = defaultdict(list)
        for one in consumer.unique:
            numbers[one["face_id"]].append(one["seq"])
        assert all(seqs == list(range(len(seqs))) for seqs in numbers.values())
        outbox.close()


# --- stopping ---------------------------------------------------------------------------------------


def test_a_stop_drains_then_says_offline(mosquitto, outbox, publish):
    with Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url)
        wait_for(lambda: consumer.last("cam/availability") == b"online", "online")
        sent = put(outbox, publisher, *(one for n in range(200) for one in life(f"f{n}", CLOCK.now())))
        publisher.camera(False)
        assert publisher.stop(10) is True
        assert publisher.broker_state == "stopped"
        wait_for(lambda: consumer.last("cam/availability") == b"offline", "offline")
        assert consumer.last("camera/availability") == b"offline"
        assert len(consumer.unique) == len(sent)


def test_a_stop_right_after_the_start_still_sends_what_waits(mosquitto, outbox, publish):
    with Subscriber(mosquitto) as consumer:
        for one in life("a", CLOCK.now()):
            outbox.put(one, CLOCK.now())
        publisher = publish(mosquitto.url)
        assert publisher.stop(5) is True
        wait_for(lambda: len(consumer.unique) == 3, "three events")


def test_a_stop_does_not_wait_longer_than_it_was_given(outbox, publish):
    with FakeBroker(answer=lambda _: None) as fake:
        publisher = publish(fake.url)
        put(outbox, publisher, event("a", 0, "new", CLOCK.now()))
        wait_for(lambda: fake.received, "a message")
        began = time.monotonic()
        assert publisher.stop(0.3) is False
        assert time.monotonic() - began < 0.3 + publisher_module.GOODBYE_S + 1
    assert outbox.depth == 1


# --- refusals ---------------------------------------------------------------------------------------


def test_a_refused_password_is_one_line_and_a_state_and_the_events_wait(tmp_path, outbox, publish, caplog):
    secret = tmp_path / "secret"
    secret.write_text("wr0ng-one\n")
    with Mosquitto(tmp_path / "broker", users={"cam": "r1ght-one"}) as mosquitto:
        publisher = publish(mosquitto.url.replace("//", "//cam@"), password_file=str(secret))
        put(outbox, publisher, *life("a", CLOCK.now()))
        wait_for(lambda: publisher.broker_state == "refused-password", "the state")
        wait_for(lambda: mosquitto.log.read_text().count("not authorised") >= 4, "several attempts")
        assert len(warnings(caplog)) == 1
        assert outbox.depth == 3
        secret.write_text("r1ght-one\n")
        wait_for(lambda: outbox.depth == 0, "delivery once the password is right")
    assert "-one" not in caplog.text


def test_an_access_list_that_forbids_events_is_one_line_and_they_wait(tmp_path, outbox, publish, caplog):
    acl = "topic write emo/cam/availability\ntopic write emo/cam/state\n"
    port = free_port()
    with Mosquitto(tmp_path / "strict", acl=acl, port=port) as mosquitto:
        publisher = publish(mosquitto.url)
        put(outbox, publisher, *life("a", CLOCK.now()))
        wait_for(lambda: publisher.broker_state == "not-authorised", "the state")
        wait_for(lambda: mosquitto.log.read_text().count("Denied PUBLISH") >= 6, "several attempts")
        assert outbox.depth == 3
        assert sum("not-authorised" in line for line in warnings(caplog)) == 1
        assert len(warnings(caplog)) <= 2  # Mosquitto 2.0.11 also ends the connection, at first unexplained
    with Mosquitto(tmp_path / "open", port=port) as mosquitto, Subscriber(mosquitto) as consumer:
        wait_for(lambda: outbox.depth == 0, "delivery once it is allowed")
        wait_for(lambda: len(consumer.unique) == 3, "three events")
        assert [one["seq"] for one in consumer.unique] == [0, 1, 2]


def test_a_quota_is_waited_for(outbox, publish):
    open_now = threading.Event()
    with FakeBroker(answer=lambda one: 0 if open_now.is_set() or "events" not in one.topic else 0x97) as fake:
        publisher = publish(fake.url)
        sent = put(outbox, publisher, *life("a", CLOCK.now()))
        wait_for(lambda: publisher.broker_state == "publish-refused", "the state")
        wait_for(lambda: sum("events" in one.topic for one in fake.received) > 12, "several attempts")
        assert outbox.depth == 3
        open_now.set()
        wait_for(lambda: outbox.depth == 0, "delivery")
        wait_for(lambda: publisher.broker_state == "connected", "the state")
        last = [json.loads(one.payload)["id"] for one in fake.received if "events" in one.topic][-3:]
        assert last == [one.id for one in sent]
    assert outbox.dropped.refused == 0


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_an_event_larger_than_the_broker_takes_does_not_block_the_others(
    tmp_path, outbox, publish, caplog, protocol
):
    """With MQTT 5 the broker says its limit; with 3.1.1 it ends the connection, every time."""
    with (
        Mosquitto(tmp_path / "broker", extra="max_packet_size 3000") as mosquitto,
        Subscriber(mosquitto) as consumer,
    ):
        publisher = publish(mosquitto.url, protocol=protocol)
        large = event("large", 0, "new", CLOCK.now(), size=5000)
        put(outbox, publisher, *life("a", CLOCK.now()), large, *life("b", CLOCK.now()))
        wait_for(lambda: outbox.depth == 0, "an empty outbox")
        wait_for(lambda: len(consumer.unique) == 6, "the others")
        assert large.id not in {one["id"] for one in consumer.unique}
    assert outbox.dropped.refused == 1
    assert any(large.id in line for line in warnings(caplog))


@pytest.mark.parametrize("forbidden", ["info", "state"])
def test_a_forbidden_topic_does_not_keep_the_events_back(tmp_path, outbox, publish, caplog, forbidden):
    """Mosquitto 2.0.11 ends the connection after each message that its access list forbids."""
    topics = {"availability", "camera/availability", "events", "state", "info"} - {forbidden}
    acl = "topic read emo/#\n" + "".join(f"topic write emo/cam/{topic}\n" for topic in topics)
    with Mosquitto(tmp_path / "broker", acl=acl) as mosquitto, Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url)
        publisher.info(info())
        publisher.camera(True)
        publisher.state(state())
        sent = put(outbox, publisher, *(one for n in range(20) for one in life(f"f{n}", CLOCK.now())))
        wait_for(lambda: outbox.depth == 0, "delivery")
        wait_for(lambda: len(consumer.unique) == len(sent), "all events")
        assert_whole_and_in_order(consumer.unique, sent)
        expected = "not-authorised" if forbidden == "info" else "unstable"
        wait_for(lambda: publisher.broker_state == expected, "the state")
        wait_for(lambda: consumer.last("camera/availability") == b"online", "the camera")
    assert sum(expected in line for line in warnings(caplog)) == 1


@pytest.mark.parametrize("reason", [0x80, 0x83, 0x99])
def test_an_event_that_alone_is_refused_does_not_block_the_others(outbox, publish, reason):
    with FakeBroker(answer=lambda one: reason if b'"poison"' in one.payload else 0) as fake:
        publisher = publish(fake.url)
        put(outbox, publisher, *life("a", CLOCK.now()), event("poison", 0, "new", CLOCK.now()))

        def gone():
            put(outbox, publisher, *life(f"later-{len(fake.received)}", CLOCK.now(), updates=0))
            time.sleep(0.05)
            return outbox.dropped.refused

        wait_for(gone, "the event given up")
        wait_for(lambda: outbox.depth == 0, "the others delivered")
        wait_for(lambda: publisher.broker_state == "connected", "the state")


def test_no_more_messages_are_under_way_than_the_broker_allows(outbox, publish):
    properties = b"\x21\x00\x03"  # receive maximum 3
    with FakeBroker(answer=lambda _: None, connack_properties=properties) as fake:
        publisher = publish(fake.url)
        publisher.camera(True)
        publisher.info(info())
        put(outbox, publisher, *(one for n in range(5) for one in life(f"f{n}", CLOCK.now())))
        wait_for(lambda: len(fake.received) == 3, "three messages")
        time.sleep(0.2)
        assert len(fake.received) == 3


def test_no_more_events_are_under_way_than_the_setting_says(outbox, publish):
    with FakeBroker(answer=lambda one: None if "events" in one.topic else 0) as fake:
        publisher = publish(fake.url, in_flight=4)
        put(outbox, publisher, *(one for n in range(5) for one in life(f"f{n}", CLOCK.now())))
        wait_for(lambda: sum("events" in one.topic for one in fake.received) == 4, "four events")
        time.sleep(0.2)
        assert sum("events" in one.topic for one in fake.received) == 4


# --- TLS, own errors, bad settings ------------------------------------------------------------------


def test_events_over_tls_with_a_password(tmp_path, outbox, publish):
    authority = Authority(tmp_path / "authority")
    authority.issue("server", "127.0.0.1")
    secret = tmp_path / "secret"
    secret.write_text("r1ght-one\n")
    with Mosquitto(tmp_path / "broker", users={"cam": "r1ght-one"}, tls=authority.folder) as mosquitto:
        publisher = publish(
            mosquitto.url, username="cam", password_file=str(secret), ca_file=str(authority.ca_file)
        )
        put(outbox, publisher, *(one for n in range(100) for one in life(f"f{n}", CLOCK.now())))
        wait_for(lambda: outbox.depth == 0, "delivery")
        assert "p5" in mosquitto.log.read_text()


def test_a_mistake_of_our_own_costs_a_connection_not_the_thread(mosquitto, outbox, publish, monkeypatch):
    good, failures = outbox.pending, [RuntimeError("a mistake"), ZeroDivisionError()]

    def sometimes(*args):
        if failures:
            raise failures.pop()
        return good(*args)

    monkeypatch.setattr(outbox, "pending", sometimes)
    with Subscriber(mosquitto) as consumer:
        publisher = publish(mosquitto.url)
        put(outbox, publisher, *life("a", CLOCK.now()))
        wait_for(lambda: outbox.depth == 0, "delivery")
        wait_for(lambda: len(consumer.unique) == 3, "three events")


def test_settings_that_cannot_work_are_refused_before_the_start(outbox):
    for settings, said in (
        (MqttSettings(url="ftp://house"), "mqtt://"),
        (MqttSettings(url="mqtt://cam@house", password_file="/no/such/file"), "/no/such/file"),
    ):
        with pytest.raises(BrokerError, match=said):
            Publisher(settings, outbox, device_id="cam", clock=CLOCK)
