"""The server's TLS certificate: the operator's, or one that signs itself, made when there is none."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sessions.files import write_whole
from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.layout import Layout

LIFETIME = datetime.timedelta(days=397)
RENEW_BEFORE = datetime.timedelta(days=14)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Identity:
    """A certificate chain, the server's own first, and its key."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers show it."""
        return self.chain[0].fingerprint(hashes.SHA256()).hex(":").upper()


def load_identity(config: Config, layout: Layout, now: datetime.datetime) -> Identity:
    """Return the configured certificate, or the self-signed one, made or renewed. Raises StartError.

    now: time-zone-aware.
    """
    if config.server.certificate and config.server.key:
        return _read(config.server.certificate, config.server.key)
    if not _is_good(layout.certificate, layout.key, now):
        _make(layout, config.server.listen, now)
    return _read(layout.certificate, layout.key)


def _read(certificate: Path, key: Path) -> Identity:
    try:
        chain = tuple(x509.load_pem_x509_certificates(certificate.read_bytes()))
    except OSError as error:
        raise StartError(
            f"the certificate {certificate} cannot be read: {os.strerror(error.errno or 0)}; "
            "correct [server] certificate"
        ) from None
    except ValueError:
        raise StartError(f"{certificate} is not a PEM certificate; correct [server] certificate") from None
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except OSError as error:
        raise StartError(
            f"the key {key} cannot be read: {os.strerror(error.errno or 0)}; correct [server] key"
        ) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise StartError(
            f"{key} is not a PEM private key without a passphrase; correct [server] key"
        ) from None
    if not isinstance(private, PrivateKey):
        raise StartError(f"{key} is of a kind TLS does not use here; make an EC, RSA or Ed25519 key")
    if private.public_key() != chain[0].public_key():
        raise StartError(f"the key {key} does not belong to the certificate {certificate}")
    return Identity(chain, private)


def _is_good(certificate: Path, key: Path, now: datetime.datetime) -> bool:
    if not key.exists():
        return False
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return False
    return found.not_valid_before_utc <= now < found.not_valid_after_utc - RENEW_BEFORE


def _make(layout: Layout, listen: str, now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tsgateway")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(_names(listen)), critical=False)
        # No authority: whoever trusts it trusts this gateway, not what its key might sign for other names.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(layout.key, pem, 0o600)
    _write(layout.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _names(listen: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    host = socket.gethostname()
    if host.isascii() and host != "localhost":
        names.append(x509.DNSName(host))
    addresses = {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")}
    try:
        address = ipaddress.ip_address(listen)
    except ValueError:
        if listen.isascii() and listen not in ("localhost", host):
            names.append(x509.DNSName(listen))
    else:
        if not address.is_unspecified:
            addresses.add(address)
    return names + [x509.IPAddress(address) for address in sorted(addresses, key=str)]


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write the file whole or not at all. Raises StartError."""
    try:
        write_whole(path, data, mode)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {os.strerror(error.errno or 0)}") from None
