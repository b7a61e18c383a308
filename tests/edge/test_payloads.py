from __future__ import annotations

import json

from edge.clock import ManualClock
from edge.payloads import InfoPayload, ModelInfo, StageTime, StatePayload, StatsPayload, Topics, encode
from tests.events import event, life

CLOCK = ManualClock()
TS = CLOCK.now().stamp


def test_topics_are_those_of_the_contract():
    topics = Topics("emo", "cam-1")
    assert [
        topics.availability,
        topics.camera,
        topics.state,
        topics.events,
        topics.stats,
        topics.info,
    ] == [
        "emo/cam-1/availability",
        "emo/cam-1/camera/availability",
        "emo/cam-1/state",
        "emo/cam-1/events",
        "emo/cam-1/stats",
        "emo/cam-1/info",
    ]


def test_state_has_the_four_fields_of_the_contract():
    payload = encode(StatePayload(faces=2, emotion="happy", confidence=0.91, ts=TS))
    assert payload == b'{"faces":2,"emotion":"happy","confidence":0.91,"ts":"2026-01-01T00:00:00.000Z"}'


def test_an_event_has_the_fields_of_the_contract_in_its_order():
    new, end = life("f", CLOCK.now(), updates=0)
    fields = ["schema", "id", "type", "face_id", "seq", "emotion", "confidence", "probabilities"]
    fields += ["start_ts", "ts", "end_ts", "device", "boot_id", "view"]
    assert list(json.loads(encode(new))) == fields
    assert list(json.loads(encode(end))) == [*fields, "reason"]
    assert json.loads(encode(new))["end_ts"] is None


def test_event_ids_are_uuid7_and_time_stamps_end_with_z():
    one = json.loads(encode(event("f", 0, "new", CLOCK.now())))
    assert one["id"][14] == "7"
    assert one["ts"].endswith("Z")


def test_stats_and_info_are_flat_enough_for_a_template():
    stats = StatsPayload(
        ts=TS,
        uptime_s=1.5,
        fps=9.8,
        frames=10,
        frames_skipped=1,
        stages={"finder": StageTime(1.0, 2.0)},
        queue_depth=0,
        queue_age_s=0.0,
        dropped_faces=0,
        dropped_events=0,
        camera="playing",
        broker="connected",
        model="emotion",
    )
    decoded = json.loads(encode(stats))
    assert decoded["stages"] == {"finder": {"median_ms": 1.0, "p95_ms": 2.0}}
    assert (decoded["outbox"], decoded["queue_depth"]) == ("ok", 0)
    info = InfoPayload(
        device="cam",
        version="0.1.0",
        boot_id="b",
        model=ModelInfo(name="emotion", version="1", sha256="0" * 64),
        view="ferplus",
        labels=("happy", "neutral"),
        settings={"min_face_px": 60},
        ts=TS,
    )
    assert json.loads(encode(info))["labels"] == ["happy", "neutral"]
