"""What can be wrong with a broker: each case a named state, with what to do about it."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class BrokerState(StrEnum):
    """How things stand with the broker; the values are published in `stats`."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    STOPPED = "stopped"
    LOST = "lost"
    """Was connected; the connection broke or went silent."""
    NAME_NOT_RESOLVED = "name-not-resolved"
    CONNECTION_REFUSED = "connection-refused"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no-answer"
    """Something listens there and does not answer as a broker does."""
    REFUSED_PASSWORD = "refused-password"  # noqa: S105
    REFUSED_PROTOCOL = "refused-protocol"
    REFUSED = "refused"
    """The broker refused the connection for another reason."""
    NOT_AUTHORISED = "not-authorised"
    """Connected, and the broker's access list forbids a topic."""
    PUBLISH_REFUSED = "publish-refused"
    """Connected, and the broker refuses events for another reason, such as a quota."""
    UNSTABLE = "unstable"
    """Connects, and each connection breaks within seconds."""
    TAKEN_OVER = "taken-over"
    UNKNOWN_CA = "unknown-ca"
    WRONG_HOST_NAME = "wrong-host-name"
    CERTIFICATE_INVALID = "certificate-invalid"
    TLS_FAILED = "tls-failed"


REFUSING: Final = frozenset({BrokerState.NOT_AUTHORISED, BrokerState.PUBLISH_REFUSED})
"""States that end with the first message that is taken again, and not with the connection."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A state, and in words what was found and what to do."""

    state: BrokerState
    detail: str


X509_NOT_YET_VALID: Final = 9
X509_EXPIRED: Final = 10
X509_UNKNOWN_ISSUER: Final = frozenset({2, 18, 19, 20, 21})
X509_WRONG_NAME: Final = frozenset({62, 64})

UNSUPPORTED_PROTOCOL: Final = 0x84
BAD_PASSWORD: Final = 0x86
NOT_AUTHORISED: Final = 0x87
SESSION_TAKEN_OVER: Final = 0x8E
PAYLOAD_FORMAT_INVALID: Final = 0x99
"""The one PUBACK reason that no later try will change."""


def fault_of_error(error: BaseException, *, host: str) -> Fault:
    """Name what went wrong while the connection was made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _fault_of_certificate(error, host)
    if isinstance(error, ssl.SSLError):
        return Fault(
            BrokerState.TLS_FAILED,
            f"no TLS connection ({error.reason or type(error).__name__}); to fix: check that this port speaks TLS "
            "1.2 or newer (mqtts:// is usually port 8883), and whether it asks for a client certificate",
        )
    if isinstance(error, socket.gaierror | UnicodeError):
        return Fault(
            BrokerState.NAME_NOT_RESOLVED,
            f"no address for the name {host!r}; to fix: check the name and the DNS",
        )
    if isinstance(error, ConnectionRefusedError):
        return Fault(
            BrokerState.CONNECTION_REFUSED,
            "nothing listens there; to fix: start the broker, or correct host and port in [mqtt] url",
        )
    if isinstance(error, ConnectionError) or not isinstance(error, OSError):
        return NO_ANSWER
    code = errno.errorcode.get(error.errno or 0, "")
    return Fault(
        BrokerState.UNREACHABLE,
        f"no way to it ({code or type(error).__name__}); to fix: check the network and the address",
    )


def fault_of_connack(value: int, text: str, username: str) -> Fault:
    """Name the broker's answer to a connection."""
    if value == 0:
        return Fault(BrokerState.CONNECTED, text)
    if value == UNSUPPORTED_PROTOCOL:
        return Fault(
            BrokerState.REFUSED_PROTOCOL,
            'it does not speak this version of MQTT; to fix: set [mqtt] protocol to "auto"',
        )
    if value in {BAD_PASSWORD, NOT_AUTHORISED}:
        who = f"user {username!r}" if username else "a client without a user name"
        return Fault(
            BrokerState.REFUSED_PASSWORD,
            f"it refuses {who} ({text}); to fix: check the user in [mqtt] url or username, and password_file",
        )
    return Fault(BrokerState.REFUSED, f"it refuses the connection ({text})")


def fault_of_disconnect(value: int, text: str, *, from_broker: bool) -> Fault:
    """Name why a connection ended."""
    if value == SESSION_TAKEN_OVER:
        return Fault(
            BrokerState.TAKEN_OVER,
            "another client uses this device's name; to fix: give each device its own [device] id",
        )
    if from_broker:
        return Fault(BrokerState.LOST, f"the broker ended the connection ({text})")
    return Fault(BrokerState.LOST, "the connection broke")


def fault_of_puback(value: int, text: str) -> Fault:
    """Name why the broker refused a message."""
    if value == NOT_AUTHORISED:
        return Fault(
            BrokerState.NOT_AUTHORISED,
            "its access list forbids this device's topics; to fix: allow it to write to <base>/<device id>/#",
        )
    return Fault(
        BrokerState.PUBLISH_REFUSED, f"it refuses messages ({text}); they are kept and sent again later"
    )


NO_ANSWER: Final = Fault(
    BrokerState.NO_ANSWER,
    "it closes the connection or stays silent; to fix: check that an MQTT broker listens on this port, whether it "
    "wants TLS (mqtts://), and whether it asks for a client certificate",
)
UNSTABLE: Final = Fault(
    BrokerState.UNSTABLE,
    "each connection breaks within seconds; to fix: check the network, the broker's log, and that no other client "
    "uses this device's [device] id",
)


def _fault_of_certificate(error: ssl.SSLCertVerificationError, host: str) -> Fault:
    if error.verify_code in X509_WRONG_NAME:
        return Fault(
            BrokerState.WRONG_HOST_NAME,
            f"its certificate is not for {host!r}; to fix: use the name that the certificate holds in [mqtt] url",
        )
    if error.verify_code in X509_UNKNOWN_ISSUER:
        return Fault(
            BrokerState.UNKNOWN_CA,
            f"its certificate is signed by an unknown authority ({error.verify_message}); to fix: set [mqtt] "
            "ca_file to the authority's certificate",
        )
    hint = "the broker needs a new one"
    if error.verify_code == X509_NOT_YET_VALID:
        hint = "check this device's clock"
    return Fault(
        BrokerState.CERTIFICATE_INVALID,
        f"its certificate is not valid ({error.verify_message}); to fix: {hint}",
    )
