"""The broker's address as users write it: mqtt[s]://[user@]host[:port]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from edge.errors import BrokerError

DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED: Final = "mqtt[s]://[user@]host[:port]"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker listens."""

    host: str
    port: int
    tls: bool
    username: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker_url(url: str) -> BrokerAddress:
    """Read a broker's URL.

    Raises
    ------
    BrokerError
        It is not `mqtt[s]://[user@]host[:port]`. A password in it is refused: command lines and settings are seen.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # The text may hold a password, so it is not repeated.
        raise BrokerError(f"the broker URL cannot be read: {error}", expected=_EXPECTED) from None
    if parts.password is not None:
        raise BrokerError(
            "the broker URL holds a password",
            expected=_EXPECTED,
            fix="write the password into a file of mode 0600 and set [mqtt] password_file to it",
        )
    if parts.scheme not in DEFAULT_PORTS:
        raise BrokerError(
            f"the broker URL begins with {parts.scheme + '://' if parts.scheme else repr(url[:40])}",
            expected=_EXPECTED,
            fix="write mqtt:// or, with TLS, mqtts:// in front of the host",
        )
    if not host or port == 0:
        raise BrokerError(f"the broker URL has no {'host' if not host else 'port'}", expected=_EXPECTED)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BrokerError(
            "the broker URL goes on after the port", expected=_EXPECTED, fix="topics are set with [mqtt] base"
        )
    return BrokerAddress(
        host, port or DEFAULT_PORTS[parts.scheme], parts.scheme == "mqtts", unquote(parts.username or "")
    )
