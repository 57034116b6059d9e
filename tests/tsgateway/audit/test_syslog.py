"""Syslog: the format by its rules, and what a real rsyslogd receives, over every way there is."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import pytest_twisted
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor

from tests.tsgateway.audit.made import audit_of
from tests.tsgateway.support import sleep, until
from tsgateway.audit.base import Event
from tsgateway.audit.chain import GENESIS, decode, encode
from tsgateway.audit.forward import Forwarder
from tsgateway.audit.syslog import message
from tsgateway.threads import Threads

# RFC 5424, section 6; values of parameters end at an unescaped quote.
VALUE = rb'(?:[^"\\\]\x00-\x1f]|\\["\\\]])*'
MESSAGE = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) tsgateway (\d+) ([!-~]{1,32}) "
    rb'\[tsgateway@32473((?: [!#-<>-\\^-~]{1,32}="' + VALUE + rb'")+)\] \xef\xbb\xbf([^\x00-\x1f]*)'
)
PARAMETER = re.compile(rb' ([a-z]+)="(' + VALUE + rb')"')


def parsed(data: bytes) -> dict[str, str]:
    found = MESSAGE.fullmatch(data)
    assert found, data
    unescaped = {
        name.decode(): re.sub(rb'\\(["\\\]])', rb"\1", value).decode()
        for name, value in PARAMETER.findall(found[6])
    }
    return {"priority": found[1].decode(), "time": found[2].decode(), **unescaped}


texts = st.text(max_size=40)


@given(kind=texts, who=texts, target=texts, outcome=texts, details=st.dictionaries(texts, texts, max_size=3))
def test_whatever_a_record_says_is_a_message(kind, who, target, outcome, details):
    line = encode(7, GENESIS, "2026-08-24T17:42:00.123Z", Event(kind, who, "::1", target, outcome, details))
    record = decode(line)
    found = parsed(message(record, "höst\n", 42))
    assert found["time"] == record["time"]
    assert found["seq"] == "7"
    printable = "".join(sign if sign >= " " and sign != "\x7f" else " " for sign in record["who"])
    assert found.get("who", "") == printable


@pytest.mark.parametrize(
    ("kind", "outcome", "priority"),
    [
        ("sign-in.accepted", "accepted", 110), ("sign-in.refused", "refused", 108),
        ("admin.set-host", "done", 109), ("admin.set-host", "refused", 108), ("audit.broken", "damaged", 106),
        ("audit.lost", "lost", 106), ("session.began", "", 110),
    ],
)  # fmt: skip
def test_what_is_grave_is_told_as_such(kind, outcome, priority):
    line = encode(1, GENESIS, "2026-08-24T17:42:00.123Z", Event(kind, outcome=outcome))
    assert parsed(message(decode(line), "h", 1))["priority"] == str(priority)


# ---- rsyslogd

INPUTS = {
    "tcp": 'module(load="imtcp")\ninput(type="imtcp" port="{port}" address="127.0.0.1")',
    "udp": 'module(load="imudp")\ninput(type="imudp" port="{port}" address="127.0.0.1")',
    "unix": 'module(load="imuxsock" SysSock.Use="off")\n'
    'input(type="imuxsock" Socket="{folder}/log" CreatePath="on" RateLimit.Interval="0" '
    'UseSpecialParser="off" ParseHostname="on")',
    "tls": 'global(DefaultNetstreamDriverCAFile="{folder}/ca.pem" '
    'DefaultNetstreamDriverCertFile="{folder}/ca.pem" DefaultNetstreamDriverKeyFile="{folder}/key.pem")\n'
    'module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.Authmode="anon")\n'
    'input(type="imtcp" port="{port}" address="127.0.0.1")',
}
CONFIG = """
global(workDirectory="{folder}" maxMessageSize="32k")
{input}
template(name="told" type="string" string="%structured-data% %hostname% %app-name% %msgid% %pri%\\n")
action(type="omfile" file="{folder}/received" template="told" asyncWriting="off" flushOnTXEnd="on")
"""


class Receiver:
    """A real rsyslogd of this user's own, on loopback."""

    def __init__(self, folder: Path, way: str) -> None:
        program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin")
        assert program, "rsyslogd is missing; run: scripts/setup.sh test"
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.way = way
        self._command = [program, "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid"), "-C"]
        told = INPUTS[way].format(folder=folder, port=self.port)
        (folder / "rsyslog.conf").write_text(CONFIG.format(folder=folder, input=told))
        self._process: subprocess.Popen | None = None

    @property
    def where(self) -> str:
        return f"unix:{self.folder}/log" if self.way == "unix" else f"{self.way}://localhost:{self.port}"

    async def start(self) -> None:
        self._process = self._begun()
        await until(self._listens, f"rsyslogd: {(self.folder / 'said').read_text()}")

    def _begun(self) -> subprocess.Popen:
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(self._command, stdout=said, stderr=said)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self.folder / "said").read_text()
        if self.way == "unix":
            return (self.folder / "log").exists()
        if self.way == "udp":
            ports = [line.split()[1] for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
            return any(int(each.partition(":")[2], 16) == self.port for each in ports)
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def received(self) -> list[int]:
        """The numbers of the records that came."""
        path = self.folder / "received"
        return [int(seq) for seq in re.findall(r' seq="(\d+)"', path.read_text())] if path.exists() else []


def certificate(folder: Path) -> None:
    """For localhost, by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class Sending:
    """An audit and its forwarder."""

    def __init__(self, folder: Path, where: str, authorities: Path | None = None) -> None:
        self.log = audit_of(folder, 30)
        self.threads = Threads(reactor, "test", 1)
        self.threads.start()
        self.folder = folder
        self.where, self.authorities = where, authorities
        self.forwarder = self.made()

    def made(self) -> Forwarder:
        return Forwarder(self.folder, self.where, self.authorities, reactor, self.threads)

    async def stop(self) -> None:
        await self.forwarder.stop()
        self.threads.stop()


@pytest.mark.parametrize("way", list(INPUTS))
@pytest_twisted.ensureDeferred
async def test_a_real_rsyslogd_receives_every_record(tmp_path: Path, way: str, monkeypatch):
    monkeypatch.setattr("tsgateway.audit.forward.SURE_AFTER", 1.5)
    monkeypatch.setattr("tsgateway.audit.forward.LOOK_EVERY", 0.1)
    monkeypatch.setattr("tsgateway.audit.forward.BACK_OFF", (0.1,))
    certificate(tmp_path)
    receiver = Receiver(tmp_path, way)
    sending = Sending(tmp_path / "audit", receiver.where, tmp_path / "ca.pem")
    try:
        await receiver.start()
        sending.forwarder.start()
        await until(lambda: sending.forwarder.sent == sending.log.seq, "the records to be sent")
        await until(lambda: len(receiver.received()) >= sending.log.seq, "the records to be received")
        assert receiver.received() == list(range(1, sending.log.seq + 1))
        first = (tmp_path / "received").read_text().splitlines()[0]
        assert first.startswith('[tsgateway@32473 seq="1" prev="0000')
        assert first.split("] ")[1].split() == [socket.gethostname(), "tsgateway", "audit.began", "109"]
        # What is written next follows at once.
        sending.log.append([(1.75e9, Event("a.b", "zoë", details={"quoted": '"]\\'}))])
        sending.forwarder.wake()
        await until(lambda: len(receiver.received()) == sending.log.seq, "the next record")
    finally:
        await sending.stop()
        receiver.stop()


@pytest_twisted.ensureDeferred
async def test_a_receiver_that_was_away_gets_what_it_has_missed(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tsgateway.audit.forward.SURE_AFTER", 1.5)
    monkeypatch.setattr("tsgateway.audit.forward.LOOK_EVERY", 0.1)
    monkeypatch.setattr("tsgateway.audit.forward.BACK_OFF", (0.1,))
    receiver = Receiver(tmp_path, "tcp")
    sending = Sending(tmp_path / "audit", receiver.where)
    try:
        sending.forwarder.start()
        await until(lambda: sending.forwarder.trouble, "trouble")
        assert "refused" in sending.forwarder.trouble
        await receiver.start()
        await until(lambda: len(receiver.received()) >= sending.log.seq, "the records")
        assert sending.forwarder.trouble == ""
        await until(lambda: sending.forwarder.sent == sending.log.seq, "certainty")
        receiver.stop()
        await until(lambda: sending.forwarder.trouble, "trouble")
        before = sending.log.seq
        sending.log.append([(1.75e9, Event("a.b"))] * 20)
        # Another gateway goes on where this one was.
        await sending.forwarder.stop()
        assert json.loads((tmp_path / "audit" / "forwarded.json").read_text()) == {"seq": before}
        sending.forwarder = sending.made()
        await receiver.start()
        sending.forwarder.start()
        await until(lambda: set(receiver.received()) == set(range(1, sending.log.seq + 1)), "all records")
    finally:
        await sending.stop()
        receiver.stop()


@pytest_twisted.ensureDeferred
async def test_a_receiver_that_shows_another_certificate_gets_nothing(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tsgateway.audit.forward.LOOK_EVERY", 0.1)
    certificate(tmp_path)
    (tmp_path / "other").mkdir()
    certificate(tmp_path / "other")
    receiver = Receiver(tmp_path, "tls")
    sending = Sending(tmp_path / "audit", receiver.where, tmp_path / "other" / "ca.pem")
    try:
        await receiver.start()
        sending.forwarder.start()
        await until(lambda: sending.forwarder.trouble, "trouble")
        await sleep(0.5)
        assert receiver.received() == []
        assert sending.forwarder.sent == 0
    finally:
        await sending.stop()
        receiver.stop()
