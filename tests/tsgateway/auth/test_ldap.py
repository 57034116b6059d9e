"""Directories: a real OpenLDAP server, over TLS."""

from __future__ import annotations

import signal
import socket
import threading

import pytest
import pytest_twisted
from pydantic import ValidationError
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.logger import eventAsText, globalLogPublisher

from tests.certificates import Authority
from tests.contracts.authenticator_contract import PasswordContract
from tests.slapd import BASE, PASSWORD, READER, READER_PASSWORD, Slapd
from tests.tsgateway.auth.support import House
from tsgateway.auth.authenticators.base import SettingsWrong, Surroundings, Unavailable
from tsgateway.auth.authenticators.ldap import Ldap
from tsgateway.auth.sign_in import Accepted
from tsgateway.config.authenticators import LdapSection

PEOPLE = f"ou=People,{BASE}"
STAFF = f"cn=staff,ou=Groups,{BASE}"


@pytest.fixture(scope="module")
def slapd():
    server = Slapd()
    try:
        yield server.start().fill()
    finally:
        server.remove()


@pytest.fixture
def section(slapd, tmp_path):
    """Make settings: searching as the reader, over ldaps."""

    def make(**more):
        secret = tmp_path / "reader"
        secret.write_text(f"{READER_PASSWORD}\n")
        table = {
            "kind": "ldap",
            "url": f"ldaps://localhost:{slapd.tls_port}",
            "ca_file": str(slapd.authority.file),
            "bind_dn": READER,
            "bind_password_file": str(secret),
            "user_base": PEOPLE,
            **more,
        }
        return LdapSection.model_validate({key: value for key, value in table.items() if value is not None})

    return make


@pytest.fixture
def make(section):
    def make(**more):
        return made(section(**more))

    return make


def made(settings: LdapSection) -> Ldap:
    return Ldap("corp", settings, Surroundings(reactor, deferToThread, lambda: 0.0, None))


TEMPLATE = {"user_dn": f"uid={{name}},{PEOPLE}", "user_base": "", "bind_dn": "", "bind_password_file": None}


class Searching(PasswordContract):
    right = ("ada", PASSWORD)

    @pytest.fixture
    def away(self, slapd):
        yield lambda: slapd.stop(signal.SIGKILL)
        slapd.start()


class TestSearching(Searching):
    """The person is searched for as the reader, then bound as."""


class TestTemplate(Searching):
    """The person is bound as at once, and reads the entry that is theirs."""

    @pytest.fixture
    def make(self, section):
        return lambda: made(section(**TEMPLATE))


class TestStartTls(Searching):
    @pytest.fixture
    def make(self, section, slapd):
        return lambda: made(section(url=f"ldap://localhost:{slapd.port}"))


@pytest_twisted.ensureDeferred
async def test_what_is_told_of_a_person(make, slapd):
    ada = await make().check("ada", PASSWORD)
    assert (ada.name, ada.display_name, ada.groups) == ("ada", "Ada Lovelace", {STAFF})
    assert len(ada.key) == 36  # entryUUID
    bob = await make(key_attribute="").check("bob", PASSWORD)
    assert (bob.key, bob.groups) == (slapd.dn("bob").lower(), frozenset())


@pytest_twisted.ensureDeferred
async def test_groups_are_searched_for_where_people_do_not_name_them(make):
    ada = await make(group_attribute="", group_base=f"ou=Groups,{BASE}").check("ada", PASSWORD)
    assert ada.groups == {STAFF}


@pytest_twisted.ensureDeferred
async def test_names_are_compared_as_they_are(make, slapd):
    """A directory finds more than was asked for; the account is for one spelling."""
    slapd.person("eve", "Eve", mail="eve@example.org")
    assert (await make().check("eve", PASSWORD)).name == "eve"
    either = make(user_filter="(|(uid={name})(mail={name}))")
    with pytest.raises(Unavailable) as caught:
        await either.check("eve@example.org", PASSWORD)
    assert "name_attribute" in caught.value.detail
    with pytest.raises(Unavailable, match="cannot be reached"):
        await make(user_filter="(|(uid={name})(objectClass=inetOrgPerson))").check("eve", PASSWORD)


@pytest_twisted.ensureDeferred
async def test_who_was_given_that_name_later_is_somebody_else(slapd, section, tmp_path):
    settings = section(create=True, groups={STAFF.upper(): "desk"}).model_dump(mode="json")
    house = House(tmp_path / "house", authenticators={"corp": settings})
    house.sign_in.sources["corp"]._made = made(section(create=True))
    slapd.person("carol", "Carol")
    slapd.group("night", "carol")
    first = await house.sign_in.sign_in("carol", PASSWORD, "192.0.2.1")
    assert isinstance(first, Accepted)
    assert (first.subject.name, first.subject.method) == ("carol", "ldap:corp")
    with slapd.root() as connection:
        connection.delete(slapd.dn("carol"))
    slapd.person("carol", "Another Carol")
    with pytest.raises(Exception, match="no account here"):
        await house.sign_in.sign_in("carol", PASSWORD, "192.0.2.1")


@pytest_twisted.ensureDeferred
async def test_passwords_are_not_sent_without_tls(section, slapd):
    """A server that refuses StartTLS gets none; nor does one that shows another's certificate."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line:
                line.settimeout(5)
                heard.append(line.recv(4096))
                # ExtendedResponse with unavailable (52), to message 1
                line.sendall(bytes.fromhex("300c020101780 70a013404000400".replace(" ", "")))
                try:
                    heard.append(line.recv(4096))
                except OSError:
                    continue

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    try:
        with pytest.raises(Unavailable) as caught:
            await made(section(url=f"ldap://127.0.0.1:{port}", **TEMPLATE)).check("ada", PASSWORD)
        assert f"127.0.0.1:{port}" in caught.value.detail
        assert PASSWORD.encode() not in b"".join(heard)
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


@pytest_twisted.ensureDeferred
async def test_only_the_right_certificate_is_trusted(section, slapd, tmp_path):
    stranger = Authority(tmp_path, "somebody else")
    for change in (
        {"ca_file": str(stranger.file)},
        {"ca_file": None},
        {"url": f"ldaps://127.0.0.1:{slapd.tls_port}"},
        {"url": f"ldap://localhost:{slapd.port}", "ca_file": str(stranger.file)},
    ):
        with pytest.raises(Unavailable) as caught:
            await made(section(**change)).check("ada", PASSWORD)
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.detail


@pytest_twisted.ensureDeferred
async def test_without_tls_only_where_that_is_wanted_and_warned_of(section, slapd):
    events: list = []
    globalLogPublisher.addObserver(events.append)
    try:
        plain = made(section(url=f"ldap://127.0.0.1:{slapd.port}", insecure=True))
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert any("whoever is on the way" in eventAsText(event) for event in events)
    assert (await plain.check("ada", PASSWORD)).name == "ada"


@pytest_twisted.ensureDeferred
async def test_a_reader_who_is_refused_is_said_to_the_operator(section, tmp_path):
    secret = tmp_path / "wrong"
    secret.write_text("wrong\n")
    with pytest.raises(Unavailable) as caught:
        await made(section(bind_password_file=str(secret))).check("ada", PASSWORD)
    assert READER in caught.value.detail


@pytest_twisted.ensureDeferred
async def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_set(section, slapd):
    slow = made(section(timeout_seconds=0.5))
    slapd.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable) as caught:
            await slow.check("ada", PASSWORD)
    finally:
        slapd.process.send_signal(signal.SIGCONT)
    assert "localhost" in caught.value.detail


@pytest_twisted.ensureDeferred
async def test_answers_have_a_largest_size(make, slapd, monkeypatch):
    monkeypatch.setattr("tsgateway.auth.authenticators.ldap.MAX_ANSWER", 10_000)
    slapd.person("dora", "Dora", description=["x" * 1000 + str(number) for number in range(50)])
    with pytest.raises(Unavailable) as caught:
        await make(display_attribute="description").check("dora", PASSWORD)
    assert "10000 bytes" in caught.value.detail


@pytest_twisted.ensureDeferred
async def test_the_directory_is_down(slapd, section, tmp_path):
    """People hear a sentence, the log the server's name; local accounts do not notice."""
    settings = section(create=True).model_dump(mode="json")
    house = House(tmp_path / "house", authenticators={"corp": settings})
    house.sign_in.sources["corp"]._made = made(section())
    events: list = []
    globalLogPublisher.addObserver(events.append)
    slapd.stop(signal.SIGKILL)
    try:
        for _ in range(12):  # it is nobody's wrong password: there is no waiting
            with pytest.raises(Exception, match="corp cannot be reached at the moment"):
                await house.sign_in.sign_in("carol", PASSWORD, "192.0.2.1")
        local = await house.sign_in.sign_in("bob", "correct horse battery", "192.0.2.1")
        assert local.subject.name == "bob"
    finally:
        slapd.start()
        globalLogPublisher.removeObserver(events.append)
    said = [eventAsText(event) for event in events]
    assert any(f"ldaps://localhost:{slapd.tls_port}" in line for line in said)
    assert not any(PASSWORD in line for line in said)
    slapd.person("frank", "Frank")
    house.wait(6)
    assert (await house.sign_in.sign_in("frank", PASSWORD, "192.0.2.1")).subject.name == "frank"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://x"}, "url should look like"),
        ({"insecure": True}, "insecure is for ldap://"),
        ({"user_base": ""}, "give user_base"),
        ({"bind_password_file": None}, "needs bind_password_file"),
        ({"user_filter": "(uid=ada)"}, "should have {name}"),
        ({"user_dn": "{name}@corp.example.org", "user_base": ""}, "user_dn is no DN"),
    ],
)
def test_settings_that_cannot_be(section, change, said):
    with pytest.raises(ValidationError, match=said.replace("{", r"\{")):
        section(**change)


@pytest_twisted.ensureDeferred
async def test_an_entry_without_a_dn_lets_nobody_in(make, monkeypatch):
    """To bind as it would be to bind as nobody, which is right with any password."""
    nobody = {"dn": "", "raw_attributes": {"uid": [b"ada"], "entryUUID": [b"x"]}}
    monkeypatch.setattr(Ldap, "_entry", lambda *_: nobody)
    assert await make().check("ada", "anything") is None


def test_files_that_are_not_there(section, tmp_path):
    for change in ({"ca_file": "/nowhere"}, {"bind_password_file": "/nowhere"}):
        with pytest.raises(SettingsWrong, match="/nowhere"):
            made(section(**change))
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(SettingsWrong, match="is empty"):
        made(section(bind_password_file=str(empty)))


def test_active_directorys_keys_are_read():
    """objectGUID is 16 bytes, in an order of its own."""
    settings = LdapSection.model_validate(
        {"kind": "ldap", "url": "ldaps://x", "user_base": "dc=x", "key_attribute": "objectGUID"}
    )
    raw = bytes.fromhex("00112233445566778899aabbccddeeff")
    entry = {"dn": "x", "raw_attributes": {"objectGUID": [raw]}}
    assert made(settings)._key(entry) == "33221100-5544-7766-8899-aabbccddeeff"
