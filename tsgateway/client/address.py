"""A gateway's address, and how to know that it is the one; the sentence for each way in which that fails."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from tsgateway.client.errors import ServerAway, WrongCertificate


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway is. authority: a PEM file to trust instead of the system's authorities, or None.

    fingerprint: SHA-256 of the one certificate to trust, lower-case hex; "" for none.
    """

    url: str
    host: str
    port: int
    authority: str | None = None
    fingerprint: str = ""

    @classmethod
    def parse(cls, url: str, authority: str | None = None, fingerprint: str = "") -> Address:
        """Read https://NAME[:PORT]. Raises ValueError for another kind of address."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f'"{url}" is not an address like https://desk.example.org:8443')
        pin = fingerprint.replace(":", "").lower()
        return cls(url, parts.hostname, parts.port or 443, authority, pin)

    def context(self) -> ssl.SSLContext:
        """Return what checks the certificate. Raises OSError where the authority cannot be read."""
        context = ssl.create_default_context(cafile=self.authority)
        if self.fingerprint:  # checked by ourselves, before anything is sent
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def check(self, certificate: bytes | None) -> None:
        """Raise WrongCertificate unless this is the one that was pinned, if one was. certificate: DER."""
        shown = hashlib.sha256(certificate or b"").hexdigest()
        if self.fingerprint and shown != self.fingerprint:
            raise WrongCertificate(
                f"{self.url}: its certificate is not the one that was expected, but one with the SHA-256 "
                f"fingerprint {shown}. If the gateway has not been given a new one, this is not the gateway.",
                reason="changed",
            )


def away(where: str, error: Exception) -> ServerAway:
    """Return the error to raise for what goes wrong on the way to a gateway."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrusted(where, error)
    if isinstance(error, FileNotFoundError):
        return ServerAway(f"No gateway runs there: {where} does not exist.")
    if isinstance(error, PermissionError):
        return ServerAway(f"{where}: you may not use it.")
    if isinstance(error, ConnectionRefusedError):
        return ServerAway(f"{where}: nobody listens there.")
    if isinstance(error, TimeoutError):
        return ServerAway(f"{where} does not answer.")
    return ServerAway(f"{where}: {getattr(error, 'strerror', '') or error or type(error).__name__}.")


def _distrusted(where: str, error: ssl.SSLCertVerificationError) -> WrongCertificate:
    told = error.verify_message.rstrip(".")
    match error.verify_code:  # OpenSSL's X509_V_ERR_…
        case 10:
            reason, what = "expired", "its certificate has expired; whoever runs it has to renew that"
        case 9:
            reason, what = "not_yet", "its certificate is not valid yet, or this machine's clock is wrong"
        case 62 | 64:
            reason, what = "other_host", f"its certificate is for another name ({told})"
        case _:
            what = f"nobody known here vouches for its certificate ({told}); give its fingerprint to trust it"
            reason = "unknown"
    return WrongCertificate(f"{where}: {what}.", reason=reason)
