"""Certificates and passwords for the broker: from files only, and an error names the file, never what is in it."""

from __future__ import annotations

import ssl
from pathlib import Path

from edge.errors import BrokerError
from edge.settings import MqttSettings


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """Return a context that checks certificate and host name, TLS 1.2 or newer; BrokerError names a bad file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.ca_file:
            context.load_verify_locations(settings.ca_file)
        else:
            context.load_default_certs()
    except OSError as error:  # ssl.SSLError is one
        raise _unusable("ca_file", settings.ca_file, error, "certificates in PEM form") from None
    if settings.cert_file:
        try:
            # Without the empty password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
        except OSError as error:
            files = f"{settings.cert_file} with {settings.key_file}"
            raise _unusable(
                "cert_file", files, error, "a PEM certificate and its key without a password"
            ) from None
    return context


def read_password(path: str) -> str | None:
    """Return the first line of a password file; BrokerError names a file that cannot be used."""
    if not path:
        return None
    try:
        line = Path(path).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable("password_file", path, error, "a file whose first line is the password") from None
    if not line:
        raise BrokerError(f"[mqtt] password_file {path} is empty", expected="the password on its first line")
    return line


def read_password_again(path: str, known: str | None) -> str | None:
    """Read the password anew for each connection, so that a corrected file needs no restart."""
    try:
        return read_password(path)
    except BrokerError:
        return known


def one_username(in_url: str, in_settings: str) -> str:
    """Return the user name from whichever place has it; BrokerError when two places disagree."""
    if in_url and in_settings and in_url != in_settings:
        raise BrokerError(
            f"[mqtt] url names user {in_url!r}, username is {in_settings!r}",
            expected="one user, in one place",
        )
    return in_url or in_settings


def _unusable(key: str, path: str, error: Exception, expected: str) -> BrokerError:
    why = getattr(error, "strerror", None) or type(error).__name__
    return BrokerError(
        f"[mqtt] {key} {path} cannot be used: {why}", expected=expected, fix="check the path and its owner"
    )
