"""The demo: a broker, the daemon as its own process, and an ordinary subscriber that prints what it gets."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge.apps.clip import bundled_clip
from edge.apps.demo_broker import EmbeddedBroker
from edge.apps.readable import event_line
from edge.broker_url import parse_broker_url
from edge.errors import BrokerError
from edge.payloads import OFFLINE, Topics
from edge.types import Event

DEVICE: Final = f"demo-{os.getpid()}"
"""Its own name, should a broker serve two demos."""
TOPICS: Final = Topics(base="emo", device_id=DEVICE)
POLL_S: Final = 0.2
LAST_WORDS_S: Final = 3.0
"""How long the demo waits for the daemon's `offline` after its process has ended."""
CLEAR_LINE: Final = "\r\033[K"


def run_demo(
    *, source: str | None, broker: str | None, view: str | None, loop: bool, as_json: bool, watch: bool
) -> int:
    """Run the chain and print events until the clip ends or Ctrl-C.

    Parameters
    ----------
    source: clip or camera; `None`: the bundled clip.
    broker: address of a broker that is there already, without a password; `None`: one inside this process.
    view: label view; `None`: the default one.

    Returns
    -------
    The daemon's exit code.

    Raises
    ------
    MissingExtraError, BrokerError
        See `EmbeddedBroker`.
    SourceError
        The bundled clip is missing from the installation.
    """
    clip = source or str(bundled_clip())
    with ExitStack() as stack:
        state_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="emotion-edge-demo-"))
        url = broker or stack.enter_context(EmbeddedBroker()).url
        inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        subscriber = _subscribe(url, inbox)
        daemon = _start_daemon(clip, url, state_dir, embedded=broker is None, view=view, loop=loop)
        asked = _pass_signals_to(daemon)
        if not as_json:
            print(f"Playing {Path(clip).name} through the daemon; its events, as a subscriber gets them:\n")
        counts = _print_until_end(daemon, inbox, as_json=as_json, watch=watch)
        _leave_no_trace(subscriber)
    # Asked to stop before it could listen, the daemon ends by the signal: that is no failure.
    code = 0 if asked.is_set() and daemon.returncode == -signal.SIGTERM else daemon.returncode
    if not as_json and code == 0:
        print(f"\n{_summary(counts)}")
        print("Next: emotion-edge run --source 0 --broker mqtt://your-broker   (emotion-edge run --help)")
    return code


def _subscribe(url: str, inbox: queue.SimpleQueue[tuple[str, bytes]]) -> mqtt.Client:
    address = parse_broker_url(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-subscriber")
    subscribed = threading.Event()

    def on_connect(client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(topic, 1) for topic in (TOPICS.events, TOPICS.state, TOPICS.availability)])

    def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        inbox.put((message.topic.rsplit("/", 1)[-1], bytes(message.payload)))

    client.on_connect = on_connect
    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    try:
        client.connect(address.host, address.port)
    except OSError as error:
        raise BrokerError(
            f"{address}: {error.strerror or error}",
            expected="an MQTT broker that lets anyone in",
            fix="start one, or leave --broker away: the demo brings its own",
        ) from None
    client.loop_start()
    if not subscribed.wait(LAST_WORDS_S):
        raise BrokerError(
            f"{address} did not take the demo's subscription",
            expected="an MQTT broker that lets anyone in",
            fix="leave --broker away: the demo brings its own",
        )
    return client


def _leave_no_trace(client: mqtt.Client) -> None:
    """Clear what is retained: on a broker that stays, the demo must not leave a ghost device."""
    for topic in (TOPICS.availability, TOPICS.camera, TOPICS.state, TOPICS.info):
        cleared = client.publish(topic, b"", qos=1, retain=True)
        with suppress(RuntimeError, ValueError):  # The broker has gone before us.
            cleared.wait_for_publish(LAST_WORDS_S)
    client.disconnect()
    client.loop_stop()


def _start_daemon(
    clip: str, broker: str, state_dir: str, *, embedded: bool, view: str | None, loop: bool
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "edge", "run", "--source", clip, "--broker", broker]
    command += ["--device-id", DEVICE, "--state-dir", state_dir, "--set", 'log.level="warning"']
    # The embedded broker says nothing to an MQTT 5 CONNECT: asking for it would cost a time-out.
    command += ["--set", 'mqtt.protocol="3.1.1"'] if embedded else []
    command += ["--view", view] if view else []
    command += ["--loop"] if loop else []
    # A session of its own: Ctrl-C reaches the daemon once, through us.
    return subprocess.Popen(command, start_new_session=True)


def _pass_signals_to(daemon: subprocess.Popen[bytes]) -> threading.Event:
    """Let Ctrl-C and SIGTERM end the daemon; return what says that one came."""
    asked = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        daemon.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    return asked


def _print_until_end(
    daemon: subprocess.Popen[bytes],
    inbox: queue.SimpleQueue[tuple[str, bytes]],
    *,
    as_json: bool,
    watch: bool,
) -> Counter[str]:
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    online = False
    waits_left = round(LAST_WORDS_S / POLL_S)
    while True:
        try:
            topic, payload = inbox.get(timeout=POLL_S)
        except queue.Empty:
            if daemon.poll() is not None:
                waits_left -= 1
                if waits_left <= 0 or not online:
                    return counts
            continue
        if topic == "availability":
            online = online or payload != OFFLINE
            if payload == OFFLINE and online:
                daemon.wait()
                return counts
        elif topic == "events":
            event = msgspec.json.decode(payload, type=Event)
            # Delivery is at least once: whoever subscribes drops an id it has had.
            if event.id in seen:
                continue
            seen.add(event.id)
            counts[f"{event.type} {event.emotion}"] += 1
            if not watch:
                print(payload.decode() if as_json else event_line(event), flush=True)
        elif watch:
            print(CLEAR_LINE + _live_line(payload), end="", flush=True)


def _live_line(payload: bytes) -> str:
    state = msgspec.json.decode(payload, type=dict[str, Any])
    if not state["faces"]:
        return "nobody in view"
    people = "1 person" if state["faces"] == 1 else f"{state['faces']} people"
    return f"{people}: {state['emotion']} {state['confidence']:.2f}"


def _summary(counts: Counter[str]) -> str:
    faces = sum(number for name, number in counts.items() if name.startswith("new "))
    shown = Counter[str]()
    for name, number in counts.items():
        kind, emotion = name.split(" ", 1)
        if kind != "end":
            shown[emotion] += number
    words = ", ".join(f"{emotion} {number}x" for emotion, number in shown.most_common())
    return f"{sum(counts.values())} events of {faces} faces: {words or 'nothing was read'}."
