"""Certificates of gateways that no authority has signed: shown once, and known again by their fingerprint."""

from __future__ import annotations

import hashlib
import socket
import ssl
import sys
from urllib.parse import urlsplit

import click

from tsgateway.admin.command import PATIENCE, note
from tsgateway.admin.errors import Away
from tsgateway.admin.place import Far


def fingerprint_to_trust(where: Far) -> str:
    """Return "" where the certificate is trusted as it is; else its fingerprint, if the person trusts it.

    Raises Away where they do not, and where nothing answers.
    """
    parts = urlsplit(where.server)
    try:
        ending = (parts.hostname or "", parts.port or 443)
        return _fingerprint(ending, where.ca_file)
    except ValueError:
        return ""  # the client says what is wrong with such an address
    except OSError as error:
        raise Away(f"{where.server}: {error.strerror or error}", "server_away") from None


def expiry(where: Far) -> float:
    """Return the Unix time at which the certificate of a gateway ends. Raises Away."""
    parts = urlsplit(where.server)
    ending = (parts.hostname or "", parts.port or 443)
    try:
        pem = ssl.get_server_certificate(ending, timeout=PATIENCE)
        trusting = ssl.create_default_context(cadata=pem)  # whether it is to be trusted was asked before
        trusting.check_hostname = False
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        with (
            socket.create_connection(ending, PATIENCE) as line,
            trusting.wrap_socket(line, server_hostname=ending[0]) as secured,
        ):
            told = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise Away(f"its certificate is not good: {error.verify_message}", "untrusted") from None
    except OSError as error:
        raise Away(f"{where.server}: {error.strerror or error}", "server_away") from None
    return float(ssl.cert_time_to_seconds(str(told["notAfter"])))


def _fingerprint(ending: tuple[str, int], ca_file: str | None) -> str:
    try:
        _hello(ending, ssl.create_default_context(cafile=ca_file))
        return ""
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    digest = hashlib.sha256(_hello(ending, unchecked)).hexdigest()
    shown = ":".join(digest[at : at + 2].upper() for at in range(0, 64, 2))
    note(f"The certificate of {ending[0]} is not trusted here: {why}. Its SHA-256 fingerprint is\n{shown}")
    note("`tsadmin doctor` on the gateway's machine tells which one it has.")
    if not sys.stdin.isatty():
        raise Away(
            "the certificate is not trusted; give --pin with its fingerprint, or --ca-file", "untrusted"
        )
    if not click.confirm("Trust it from now on?", err=True):
        raise Away("the certificate is not trusted", "untrusted")
    return digest


def _hello(ending: tuple[str, int], context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection(ending, PATIENCE) as line,
        context.wrap_socket(line, server_hostname=ending[0]) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""
