"""The certificate that a gateway shows, to tell a person about it: it is read, not believed."""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from tsgateway.client import ServerAway, WrongCertificate
from tsgateway.client.proxy import proxy_for, tunnel

PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Shown:
    """fingerprint: SHA-256, 64 lower-case digits. names: whom it is for; issuer: who signed it."""

    fingerprint: str
    names: tuple[str, ...]
    issuer: str
    begins: datetime
    ends: datetime

    @property
    def pairs(self) -> str:
        """The fingerprint for people, in pairs of digits."""
        return pairs(self.fingerprint)


def pairs(fingerprint: str) -> str:
    """Return a fingerprint in pairs of digits, 16 in a line.

    >>> pairs("0123ab")
    '01:23:AB'
    """
    each = [fingerprint[at : at + 2].upper() for at in range(0, len(fingerprint), 2)]
    return "\n".join(":".join(each[at : at + 16]) for at in range(0, len(each), 16))


def shown_by(host: str, port: int) -> Shown:
    """Ask a gateway for its certificate; nothing is sent there. Raises ServerAway."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            _line(host, port) as line,
            context.wrap_socket(line, server_hostname=host) as secured,
        ):
            data = secured.getpeercert(binary_form=True) or b""
    except OSError as error:
        raise ServerAway(f"{host}:{port}: {error.strerror or error}.") from error
    return read(data)


def _line(host: str, port: int) -> socket.socket:
    proxy = proxy_for(host, port)
    if proxy is not None:
        return tunnel(proxy, host, port, PATIENCE)
    return socket.create_connection((host, port), PATIENCE)


def read(data: bytes) -> Shown:
    """Read a certificate. data: DER. Raises WrongCertificate where it is none."""
    try:
        found = x509.load_der_x509_certificate(data)
        begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
        issuer = _common_name(found.issuer)
        names = _names(found) or (_common_name(found.subject),)
    except ValueError:
        raise WrongCertificate("What the gateway shows is no certificate.", reason="unknown") from None
    own = found.issuer == found.subject
    return Shown(hashlib.sha256(data).hexdigest(), names, "itself" if own else issuer, begins, ends)


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *names.get_values_for_type(x509.DNSName),
        *(str(each) for each in names.get_values_for_type(x509.IPAddress)),
    )


def _common_name(name: x509.Name) -> str:
    said = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(said[0].value) if said else "nobody"
