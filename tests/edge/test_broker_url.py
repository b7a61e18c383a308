from __future__ import annotations

import pytest

from edge.broker_url import BrokerAddress, parse_broker_url
from edge.errors import BrokerError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://house", BrokerAddress("house", 1883, tls=False)),
        ("mqtts://house", BrokerAddress("house", 8883, tls=True)),
        ("mqtts://cam@house:8884/", BrokerAddress("house", 8884, tls=True, username="cam")),
        ("mqtt://a%40b@10.0.0.7:1", BrokerAddress("10.0.0.7", 1, tls=False, username="a@b")),
        ("mqtt://[::1]:1884", BrokerAddress("::1", 1884, tls=False)),
    ],
)
def test_urls_are_read(url, address):
    assert parse_broker_url(url) == address


def test_an_address_is_shown_without_its_user():
    assert str(parse_broker_url("mqtts://cam@[fe80::1]")) == "mqtts://[fe80::1]:8883"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "begins with"),
        ("house", "begins with 'house'.*mqtt://"),
        ("http://house", "begins with http://"),
        ("mqtt://", "no host"),
        ("mqtt://:1883", "no host"),
        ("mqtt://house:0", "no port"),
        ("mqtt://house:99999", "cannot be read"),
        ("mqtt://house:abc", "cannot be read"),
        ("mqtt://house/topic", "goes on after the port"),
        ("mqtt://[::1", "cannot be read"),
    ],
)
def test_what_is_not_a_broker_url_is_refused_with_the_form_expected(url, said):
    with pytest.raises(BrokerError, match=rf"{said}.*"):
        parse_broker_url(url)


def test_a_password_in_the_url_is_refused_and_not_repeated():
    with pytest.raises(BrokerError, match="password_file") as caught:
        parse_broker_url("mqtt://cam:s3cret@house")
    assert "s3cret" not in str(caught.value)
