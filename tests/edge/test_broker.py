from __future__ import annotations

import logging
import socket
import ssl

import pytest

from edge.broker import Broker, Will
from edge.broker_state import BrokerState
from edge.clock import SystemClock
from edge.errors import BrokerError
from edge.settings import MqttSettings
from tests.certificates import Authority
from tests.fake_broker import FakeBroker
from tests.mosquitto import Mosquitto, free_port, wait_for


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.issue("server", "localhost", "127.0.0.1")
    authority.issue("client")
    return authority


def make(url, **more):
    more = {"connect_timeout_s": 2.0, "reconnect_min_s": 0.05, "reconnect_max_s": 0.2} | more
    return Broker(
        MqttSettings(url=url, **more),
        client_id="emotion-edge-test",
        will=Will("emo/test/availability", b"offline"),
        clock=SystemClock(),
    )


def connect(broker, times=1):
    return [broker.connect() for _ in range(times)][-1]


def lines(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def acknowledged(broker, count=1):
    acks = []
    wait_for(lambda: len(acks) >= count or acks.extend(broker.poll(0.1)), "acknowledgements")
    return acks


# --- a connection that works ------------------------------------------------------------------------


def test_messages_are_acknowledged_one_by_one(tmp_path):
    with Mosquitto(tmp_path) as mosquitto:
        broker = make(mosquitto.url)
        assert broker.state == BrokerState.CONNECTING
        assert connect(broker)
        assert (broker.state, broker.protocol) == (BrokerState.CONNECTED, "5")
        mids = [broker.publish("emo/x", b"1", qos=1, retain=False, expiry_s=60) for _ in range(5)]
        acks = acknowledged(broker, 5)
        assert [ack.mid for ack in acks] == mids
        # Mosquitto says 0x10 of a message that nobody is subscribed to.
        assert {ack.reason for ack in acks} == {0x10}
        broker.disconnect()
        assert (broker.state, broker.connected) == (BrokerState.STOPPED, False)


def test_a_second_thread_can_interrupt_a_poll(tmp_path):
    with Mosquitto(tmp_path) as mosquitto:
        broker = make(mosquitto.url)
        assert connect(broker)
        for _ in range(100_000):
            broker.interrupt()
        assert broker.poll(60) == []
        broker.disconnect()


def test_a_broker_that_goes_away_is_noticed_and_found_again(tmp_path, caplog):
    with Mosquitto(tmp_path) as mosquitto:
        broker = make(mosquitto.url)
        assert connect(broker)
        mosquitto.kill()
        wait_for(lambda: broker.poll(0.1) or not broker.connected, "the loss")
        assert broker.state == BrokerState.LOST
        assert broker.publish("emo/x", b"1", qos=1, retain=False) is None
        assert not connect(broker, times=4)
        assert broker.state == BrokerState.CONNECTION_REFUSED
        mosquitto.start()
        assert connect(broker)
        broker.disconnect()
    assert [line.split(": ")[1] for line in lines(caplog)] == ["lost", "connection-refused"]


def test_the_pause_between_attempts_doubles_with_jitter_up_to_its_limit():
    broker = make(f"mqtt://127.0.0.1:{free_port()}", reconnect_min_s=1.0, reconnect_max_s=4.0)
    pauses = []
    for _ in range(5):
        connect(broker)
        pauses.append(broker.retry_in_s())
    assert all(0.45 * limit <= pause <= limit for pause, limit in zip(pauses, [1, 2, 4, 4, 4], strict=True))


# --- versions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("close_refused", [False, True])
def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(close_refused):
    with FakeBroker(versions=(4,), close_refused=close_refused) as fake:
        broker = make(fake.url)
        assert connect(broker)
        assert (broker.protocol, fake.levels) == ("3.1.1", [5, 4])
        mid = broker.publish("emo/x", b"1", qos=1, retain=False, expiry_s=60)
        assert [ack.mid for ack in acknowledged(broker)] == [mid]
        for _ in range(2):
            fake.drop_connections()
            wait_for(lambda: broker.poll(0.1) or not broker.connected, "the loss")
            assert connect(broker)
        # A clear refusal is remembered; a connection merely closed may have been chance, so 5 is tried once more.
        assert fake.levels[2:] == ([5, 4, 4] if close_refused else [4, 4])
        broker.disconnect()


def test_a_version_can_be_set(tmp_path):
    with Mosquitto(tmp_path) as mosquitto:
        broker = make(mosquitto.url, protocol="3.1.1")
        assert connect(broker)
        assert broker.protocol == "3.1.1"
        broker.disconnect()
    with FakeBroker(versions=(4,)) as fake:
        broker = make(fake.url, protocol="5")
        assert not connect(broker)
        assert (broker.state, fake.levels) == (BrokerState.REFUSED_PROTOCOL, [5])


# --- what can be wrong, each a state and one line ---------------------------------------------------


@pytest.mark.parametrize(
    "fake",
    [
        FakeBroker(greeting=b""),
        FakeBroker(greeting=b"SSH-2.0-OpenSSH_9.2\r\n"),
        FakeBroker(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        FakeBroker(greeting=b"\x20\xff\xff\xff\xff\xff"),
        FakeBroker(greeting=b"\x20\x00"),
        FakeBroker(greeting=bytes(range(256)) * 20),
        FakeBroker(silent=True),
    ],
    ids=["closes", "ssh", "http", "length", "empty", "nonsense", "silent"],
)
def test_what_is_not_a_broker_is_said_once(fake, caplog):
    with fake:
        broker = make(fake.url, connect_timeout_s=0.2)
        assert not connect(broker, times=3)
        assert broker.state == BrokerState.NO_ANSWER
    assert len(lines(caplog)) == 1


def test_an_address_where_nothing_listens_is_said_once(caplog):
    broker = make(f"mqtt://127.0.0.1:{free_port()}")
    assert not connect(broker, times=5)
    assert broker.state == BrokerState.CONNECTION_REFUSED
    assert len(lines(caplog)) == 1


def test_a_name_without_an_address_is_said_once(caplog, monkeypatch):
    def no_name(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    broker = make("mqtt://no-such-house.invalid")
    assert not connect(broker, times=3)
    assert broker.state == BrokerState.NAME_NOT_RESOLVED
    assert ["no-such-house.invalid" in line for line in lines(caplog)] == [True]


def test_a_refused_password_is_said_once_and_works_once_the_file_is_corrected(tmp_path, caplog):
    secret = tmp_path / "secret"
    secret.write_text("wr0ng-one\n")
    with Mosquitto(tmp_path / "broker", users={"cam": "r1ght-one"}) as mosquitto:
        url = mosquitto.url.replace("//", "//cam@")
        for protocol in ("5", "3.1.1"):
            caplog.clear()
            secret.write_text("wr0ng-one\n")
            broker = make(url, password_file=str(secret), protocol=protocol)
            assert not connect(broker, times=4)
            assert broker.state == BrokerState.REFUSED_PASSWORD
            assert ["user 'cam'" in line and "password_file" in line for line in lines(caplog)] == [True]
            secret.write_text("r1ght-one\nnot this line\n")
            assert connect(broker)
            broker.disconnect()
            assert "-one" not in caplog.text


def test_a_broker_that_wants_a_user_is_said_once(tmp_path, caplog):
    with Mosquitto(tmp_path, users={"cam": "right"}) as mosquitto:
        broker = make(mosquitto.url)
        assert not connect(broker, times=3)
        assert broker.state == BrokerState.REFUSED_PASSWORD
    assert ["without a user name" in line for line in lines(caplog)] == [True]


def test_two_devices_of_one_name_are_told_so(caplog):
    with FakeBroker() as fake:
        broker = make(fake.url)
        assert connect(broker)
        fake.send(b"\xe0\x02\x8e\x00")  # DISCONNECT: session taken over
        wait_for(lambda: broker.poll(0.1) or not broker.connected, "the take-over")
        assert broker.state == BrokerState.TAKEN_OVER
    assert ["[device] id" in line for line in lines(caplog)] == [True]


def test_connections_that_never_last_are_said_once_also_where_the_broker_is_silent_about_it(tmp_path, caplog):
    """Mosquitto 2.0.11 closes the older connection of two with one name without a word."""
    with Mosquitto(tmp_path) as mosquitto:
        first, second = make(mosquitto.url), make(mosquitto.url)
        for _ in range(8):
            assert connect(first)
            assert connect(second)
            wait_for(lambda: first.poll(0.1) or not first.connected, "the take-over")
        assert first.state == BrokerState.UNSTABLE
        assert [line.split(": ")[1] for line in lines(caplog)] == ["lost", "lost", "unstable"]
        assert "[device] id" in lines(caplog)[-1]
        second.disconnect()


# --- TLS --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_with_an_authority_of_our_own(tmp_path, authority, host):
    with Mosquitto(tmp_path, tls=authority.folder) as mosquitto:
        broker = make(f"mqtts://{host}:{mosquitto.port}", ca_file=str(authority.ca_file))
        assert connect(broker)
        mids = [broker.publish("emo/x", b"x" * 3000, qos=1, retain=False) for _ in range(20)]
        assert [ack.mid for ack in acknowledged(broker, 20)] == mids
        broker.disconnect()


def test_an_unknown_authority_is_said_once(tmp_path, authority, caplog):
    other = Authority(tmp_path / "other", "another authority")
    with Mosquitto(tmp_path / "broker", tls=authority.folder) as mosquitto:
        for ca_file in (str(other.ca_file), ""):
            caplog.clear()
            broker = make(mosquitto.url, ca_file=ca_file)
            assert not connect(broker, times=3)
            assert broker.state == BrokerState.UNKNOWN_CA
            assert ["ca_file" in line for line in lines(caplog)] == [True]


def test_a_wrong_host_name_is_said_once(tmp_path, caplog):
    authority = Authority(tmp_path / "authority")
    authority.issue("server", "other.example", "10.9.8.7")
    with Mosquitto(tmp_path / "broker", tls=authority.folder) as mosquitto:
        for host in ("127.0.0.1", "localhost"):
            caplog.clear()
            broker = make(f"mqtts://{host}:{mosquitto.port}", ca_file=str(authority.ca_file))
            assert not connect(broker, times=3)
            assert broker.state == BrokerState.WRONG_HOST_NAME
            assert [repr(host) in line for line in lines(caplog)] == [True]


def test_an_expired_certificate_is_said_once(tmp_path, caplog):
    authority = Authority(tmp_path / "authority")
    authority.issue("server", "127.0.0.1", days=-2)
    with Mosquitto(tmp_path / "broker", tls=authority.folder) as mosquitto:
        broker = make(mosquitto.url, ca_file=str(authority.ca_file))
        assert not connect(broker, times=3)
        assert broker.state == BrokerState.CERTIFICATE_INVALID
    assert ["expired" in line for line in lines(caplog)] == [True]


def test_tls_to_a_port_without_it_and_the_other_way_round(tmp_path, authority, caplog):
    with Mosquitto(tmp_path / "plain") as plain, Mosquitto(tmp_path / "tls", tls=authority.folder) as tls:
        broker = make(f"mqtts://127.0.0.1:{plain.port}", ca_file=str(authority.ca_file))
        assert not connect(broker, times=2)
        assert broker.state in {BrokerState.TLS_FAILED, BrokerState.NO_ANSWER}
        broker = make(f"mqtt://127.0.0.1:{tls.port}", connect_timeout_s=0.5)
        assert not connect(broker, times=2)
        assert broker.state == BrokerState.NO_ANSWER
    assert len(lines(caplog)) == 2


def test_a_client_certificate_is_shown_and_missed(tmp_path, authority, caplog):
    with Mosquitto(tmp_path, tls=authority.folder, client_certificates=True) as mosquitto:
        files = {
            "cert_file": str(authority.folder / "client.pem"),
            "key_file": str(authority.folder / "client.key"),
        }
        broker = make(mosquitto.url, ca_file=str(authority.ca_file), **files)
        assert connect(broker)
        broker.disconnect()
        broker = make(mosquitto.url, ca_file=str(authority.ca_file))
        assert not connect(broker, times=3)
        assert broker.state in {BrokerState.TLS_FAILED, BrokerState.NO_ANSWER}
    assert ["client certificate" in line for line in lines(caplog)] == [True]


def test_tls_is_1_2_or_newer(authority):
    from edge.broker_secrets import tls_context

    context = tls_context(MqttSettings(ca_file=str(authority.ca_file)))
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_a_password_over_an_open_network_is_warned_of(tmp_path, caplog):
    secret = tmp_path / "secret"
    secret.write_text("r1ght-one\n")
    for url, count in (("mqtt://cam@127.0.0.1", 0), ("mqtts://cam@house", 0), ("mqtt://cam@house", 1)):
        caplog.clear()
        make(url, password_file=str(secret))
        assert ["readably" in line for line in lines(caplog)] == [True] * count


# --- files and settings that cannot be used ---------------------------------------------------------


def test_a_bad_secret_or_certificate_file_is_named(tmp_path, authority):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    empty = tmp_path / "empty"
    empty.write_text("\n")
    missing = str(tmp_path / "missing")
    client = str(authority.folder / "client.pem")
    for settings, said in (
        (
            {"password_file": missing, "username": "cam"},
            "password_file .*missing cannot be used: No such file",
        ),
        ({"password_file": str(empty), "username": "cam"}, "password_file .*empty is empty"),
        ({"password_file": str(garbage)}, "without a user name"),
        ({"username": "cam", "url": "mqtts://eve@house"}, "'eve'.*'cam'"),
        ({"ca_file": missing}, "ca_file .*missing cannot be used: No such file"),
        ({"ca_file": str(garbage)}, "ca_file .*garbage.pem cannot be used"),
        ({"cert_file": client, "key_file": missing}, "cert_file .*client.pem with .*missing"),
        ({"cert_file": client, "key_file": str(authority.folder / "server.key")}, "cert_file .*server.key"),
        ({"ca_file": client, "url": "mqtt://house"}, "without TLS.*mqtts://"),
    ):
        with pytest.raises(BrokerError, match=said):
            make(**({"url": "mqtts://house"} | settings))
