"""The certificate that a server shows, whatever is wrong with it: it is read, and nothing is sent."""

import hashlib
import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.certificates import Authority
from thinclient.certificate import pairs, read, shown_by
from tsgateway.client import ServerAway, WrongCertificate


@pytest.mark.parametrize("days", [1, -2], ids=["good", "expired"])
def test_what_a_server_shows(tmp_path: Path, days: int) -> None:
    certificate, key = Authority(tmp_path, "Example CA").server("desk.example.org", "10.0.0.7", days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    def serve() -> None:
        line, _ = server.accept()
        with context.wrap_socket(line, server_side=True, suppress_ragged_eofs=True) as secured:
            heard.append(secured.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        shown = shown_by(*server.getsockname())
        thread.join()
    assert heard == [b""]
    der = ssl.PEM_cert_to_DER_cert(
        certificate.read_text().partition("-----END")[0] + "-----END CERTIFICATE-----"
    )
    assert shown.fingerprint == hashlib.sha256(der).hexdigest()
    assert (shown.names, shown.issuer) == (("desk.example.org", "10.0.0.7"), "Example CA")
    now = datetime.now(UTC)
    assert (shown.begins <= now <= shown.ends) is (days > 0)
    assert read(der) == shown
    assert shown.pairs.replace("\n", ":").replace(":", "").lower() == shown.fingerprint


def test_who_signs_for_themselves_is_called_so(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = read(ssl.PEM_cert_to_DER_cert(authority.file.read_text()))
    assert (shown.issuer, shown.names) == ("itself", ("test authority",))


@given(st.binary(max_size=200))
def test_rubbish_is_no_certificate(data: bytes) -> None:
    with pytest.raises(WrongCertificate, match="no certificate"):
        read(data)


def test_nobody_is_there() -> None:
    with pytest.raises(ServerAway, match="Connection refused"):
        shown_by("127.0.0.1", 1)


def test_a_fingerprint_for_people() -> None:
    assert pairs("ab" * 32) == "\n".join([":".join(["AB"] * 16)] * 2)
