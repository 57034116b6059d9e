import contextlib
import datetime
import ssl

import pytest
from cryptography import x509
from sqlalchemy import text

from tsgateway.certificates import LIFETIME, load_identity
from tsgateway.config import Config
from tsgateway.drain import ALL, DrainMode, HostSetting
from tsgateway.errors import StartError
from tsgateway.layout import DataLock, Layout
from tsgateway.store import Cursor, NameTaken, NoSuchUser, Ran, Store, open_store
from tsgateway.store.migrate import STEPS
from tsgateway.store.sign_ins import MAX_SIGN_INS

HOUR = 3600
NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


def opened(data, **options):
    return open_store(data, data.directory / "tsgateway.db", **options)


@pytest.fixture
def store(data):
    made = opened(data)
    yield made
    made.close()


def test_accounts(store):
    store.add_user("ada", "hash", {"administrators"}, 1)
    store.add_user("bob", "hash", set(), 1)
    assert store.user("ada").groups == ("administrators", "users")
    assert store.user("bob").groups == ("users",)
    assert store.user("eve") is None
    assert [account.name for account in store.all_users()] == ["ada", "bob"]
    assert store.has_administrator()
    with pytest.raises(NameTaken):
        store.add_user("ada", "other", set(), 1)
    with pytest.raises(NoSuchUser):
        store.set_password("eve", "x")


def test_a_sign_in_ends_by_age_and_by_idleness(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_sign_in(b"1", "ada", 0)
    now = 0
    while now < 12 * HOUR - HOUR / 2:
        now += HOUR / 2
        assert (store.use_sign_in(b"1", now, 12 * HOUR, HOUR) is not None) == (now < 12 * HOUR)
    assert store.use_sign_in(b"1", 12 * HOUR, 12 * HOUR, HOUR) is None
    store.add_sign_in(b"2", "ada", 0)
    assert store.use_sign_in(b"2", HOUR, 12 * HOUR, HOUR) is None
    assert store.use_sign_in(b"2", 1, 12 * HOUR, HOUR) is None  # gone for good
    store.add_sign_in(b"3", "ada", 0)
    store.set_password("ada", "new")
    assert store.use_sign_in(b"3", 1, 12 * HOUR, HOUR) is None


def test_an_account_has_few_sign_ins_at_a_time(store):
    """Or who has one could fill the disk with them."""
    for name in ("ada", "bob"):
        store.add_user(name, "hash", set(), 0)
    store.add_sign_in(b"his", "bob", 0)
    for number in range(MAX_SIGN_INS + 1):
        store.add_sign_in(b"%d" % number, "ada", number)
    known = [store.use_sign_in(b"%d" % n, 100, HOUR, HOUR) is not None for n in range(MAX_SIGN_INS + 1)]
    assert known == [False] + [True] * MAX_SIGN_INS
    assert store.use_sign_in(b"his", 100, HOUR, HOUR).account.name == "bob"


def test_old_sign_ins_are_forgotten(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_sign_in(b"old", "ada", 0)
    store.add_sign_in(b"new", "ada", 2 * HOUR)
    store.forget_old_sign_ins(2 * HOUR, 12 * HOUR, HOUR)
    with store._engine.connect() as connection:
        assert connection.execute(text("select token_hash from sign_ins")).fetchall() == [(b"new",)]


def test_the_file_is_private_and_kept(tmp_path):
    path = tmp_path / "db"
    store = Store(path)
    store.add_user("ada", "hash", set(), 0)
    store.close()
    assert path.stat().st_mode & 0o777 == 0o600
    again = Store(path)
    assert again.user("ada") is not None
    again.close()


def test_what_is_no_database_is_refused(tmp_path):
    path = tmp_path / "db"
    path.write_bytes(b"this is not a database, though long enough to look at" * 100)
    with pytest.raises(StartError, match="cannot be used"):
        Store(path)


@pytest.mark.parametrize(
    "change", ["update schema_version set version = 99", "update alembic_version set version_num = '0099'"]
)
def test_a_newer_database_is_refused(data, change):
    store = opened(data)
    with store._writing() as connection:
        connection.execute(text(change))
    store.close()
    with pytest.raises(
        StartError, match=rf"newer tsgateway \(schema .*99, this one knows {STEPS[-1]}\); start that"
    ):
        opened(data)


# ---- sessions


def ran(number, *, user="ada", desktop="one", began=None, **more):
    began = float(number) if began is None else began
    return Ran(f"{number:032x}", user, desktop, "0", "192.0.2.1", "active", began, began, **more)


def test_sessions_are_added_and_changed(store):
    store.history.note([ran(1), ran(2)])
    later = ran(1)._replace(address="", state="ended", since=9.5, ended=9.5, reason="The guest ended.")
    store.history.note([later, ran(3)._replace(reason="a\0b" + "c" * 1000)])
    [third, second, first] = store.history.page().sessions
    assert first == later._replace(address="192.0.2.1")  # what is not known now is kept
    assert second == ran(2)
    assert third.reason == "ab" + "c" * 509
    store.history.note([])


def test_pages_follow_each_other_without_a_gap_while_sessions_are_added(store):
    rows = [ran(number, began=float(number // 3)) for number in range(20)]  # several begin at the same time
    store.history.note(rows)
    wanted = sorted(rows, key=lambda row: (row.began, row.id), reverse=True)
    found, after = [], None
    for _ in range(6):
        page = store.history.page(after=after, limit=4)
        found += page.sessions
        store.history.note([ran(1000 + len(found), began=100.0)])
        if page.after is None:
            break
        after = Cursor.read(str(page.after))
    assert found == wanted


def test_pages_can_be_of_one_person_one_desktop_and_a_time(store):
    rows = [ran(n, user=("ada", "bob")[n % 2], desktop=("one", "two")[n // 2 % 2]) for n in range(8)]
    store.history.note(rows)

    def numbers(**wanted):
        return [int(row.id, 16) for row in store.history.page(**wanted).sessions]

    assert numbers(user="bob") == [7, 5, 3, 1]
    assert numbers(desktop="two") == [7, 6, 3, 2]
    assert numbers(user="bob", desktop="two", since=4.0) == [7]
    assert numbers(user="eve") == []
    assert numbers(limit=-1) == [7]


@pytest.mark.parametrize(
    "text",
    ["", "x", "1-", "0" * 16 + "-../..", "g" * 16 + "-1", "00 " * 5 + "0-1", "0" * 16 + "-" + "a" * 200],
)
def test_a_cursor_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"cursor|hexadecimal"):
        Cursor.read(text)


def test_what_a_host_does_not_know_any_more_has_ended(store):
    store.history.note([ran(1), ran(2), ran(3)._replace(host="1"), ran(4, ended=4.0)])
    assert store.history.lost("0", [ran(2).id], 50.0, "Nobody saw it.") == 1
    by_number = {int(row.id, 16): row for row in store.history.page().sessions}
    assert by_number[1] == ran(1, ended=50.0)._replace(state="ended", since=50.0, reason="Nobody saw it.")
    assert by_number[2].ended is None
    assert by_number[3].ended is None
    assert by_number[4].ended == 4.0
    assert store.history.lost_elsewhere(["0", "7"], 60.0, "That host is gone.") == 1
    assert {int(row.id, 16): row.ended for row in store.history.page().sessions} == {
        1: 50.0, 2: None, 3: 60.0, 4: 4.0,
    }  # fmt: skip


def test_old_ones_are_forgotten_and_running_ones_never(store):
    store.history.note([ran(1), ran(2, ended=5.0), ran(3, ended=50.0)])
    assert store.history.prune(50.0) == 1
    assert [int(row.id, 16) for row in store.history.page().sessions] == [3, 1]


# ---- session hosts' settings


def test_what_is_set_for_hosts(store):
    hosts = store.hosts
    assert hosts.all() == {}
    hosts.set_weight("0", 500, 1.0)
    hosts.set_mode("0", DrainMode.DRAIN_UNTIL_RESTART, 2.0)
    hosts.set_mode("1", DrainMode.DRAIN, 2.0)
    hosts.set_mode(ALL, DrainMode.DRAIN_UNTIL_RESTART, 2.0)
    assert hosts.all()["0"] == HostSetting(500, DrainMode.DRAIN_UNTIL_RESTART)
    hosts.restarted("0", 3.0)
    assert hosts.all()["0"] == HostSetting(500, DrainMode.ENABLE)
    assert hosts.all()[ALL].mode == DrainMode.DRAIN_UNTIL_RESTART
    hosts.restarted(None, 3.0)
    assert {name: setting.mode.value for name, setting in hosts.all().items()} == {
        "0": "enable", "1": "drain", ALL: "enable",
    }  # fmt: skip


# ---- the data directory and the certificate


@pytest.fixture
def config(tmp_path):
    return Config.model_validate({"data": {"directory": tmp_path / "data"}})


@pytest.fixture
def layout(config):
    made = Layout.of(config)
    made.prepare()
    return made


def test_one_gateway_a_directory(layout):
    lock = DataLock(layout)
    with pytest.raises(StartError, match="another gateway"):
        DataLock(layout)
    lock.release()
    DataLock(layout).release()


def test_sockets_have_short_paths(tmp_path):
    for folder in (tmp_path / "d", tmp_path / ("long" * 30)):
        layout = Layout.of(Config.model_validate({"data": {"directory": folder}}))
        assert len(str(layout.socket(3)).encode()) <= 107
        assert layout.socket(3) != layout.socket(4)


def test_the_certificate_is_made_kept_and_renewed(config, layout):
    first = load_identity(config, layout, NOW)
    names = first.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert not first.chain[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert layout.key.stat().st_mode & 0o777 == 0o600
    again = load_identity(config, layout, NOW + LIFETIME / 2)
    assert again.fingerprint == first.fingerprint
    assert load_identity(config, layout, NOW + LIFETIME).fingerprint != first.fingerprint
    layout.certificate.write_text("rubbish")
    assert load_identity(config, layout, NOW).fingerprint != first.fingerprint


def test_who_trusts_the_certificate_can_connect_and_checks_the_name(config, layout):
    identity = load_identity(config, layout, datetime.datetime.now(datetime.UTC))
    trusting = ssl.create_default_context(cafile=layout.certificate)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(layout.certificate, layout.key)
    assert identity.fingerprint

    def shake(name):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
        server = serving.wrap_bio(to_server, to_client, server_side=True)
        for end in (client, server, client):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
        return client.version()

    assert shake("localhost") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake("elsewhere.example")


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("missing", "key.pem", "missing cannot be read: No such file"),
        ("certificate.pem", "missing", "missing cannot be read: No such file"),
        ("rubbish", "key.pem", "rubbish is not a PEM certificate"),
        ("certificate.pem", "rubbish", "rubbish is not a PEM private key"),
        ("certificate.pem", "other.pem", "does not belong"),
    ],
)
def test_a_wrong_certificate_is_named(config, layout, certificate, key, said):
    load_identity(config, layout, NOW)
    other = Layout(layout.root / "other", layout.images)
    other.prepare()
    load_identity(config, other, NOW)
    other.key.rename(layout.root / "other.pem")
    (layout.root / "rubbish").write_text("rubbish")
    server = {"certificate": layout.root / certificate, "key": layout.root / key}
    wrong = Config.model_validate({"server": server, "data": {"directory": layout.root}})
    with pytest.raises(StartError, match=said):
        load_identity(wrong, layout, NOW)


# ---- what the portal keeps


def test_favourites_are_each_persons_own_and_go_with_the_account(store):
    for name in ("ada", "bob"):
        store.add_user(name, "hash", set(), 0)
    for desktop in ("one", "two", "one"):
        store.portal.mark("ada", desktop)
    store.portal.mark("bob", "two")
    store.portal.unmark("ada", "two")
    store.portal.unmark("ada", "never")
    assert {name: of.is_favourite for name, of in store.portal.of_desktops("ada").items()} == {"one": True}
    assert {name: of.is_favourite for name, of in store.portal.of_desktops("bob").items()} == {"two": True}
    with pytest.raises(NoSuchUser):
        store.portal.mark("eve", "one")
    store.delete_user("ada")
    with store._engine.connect() as connection:
        assert connection.execute(text("select desktop from favourites")).fetchall() == [("two",)]


def test_a_desktop_was_used_last_when_a_session_of_it_was(store):
    store.add_user("ada", "hash", set(), 0)
    store.history.note([ran(1, began=10)._replace(since=20, ended=30), ran(2, began=12)._replace(since=25)])
    store.history.note([ran(3, user="bob", began=50), ran(4, desktop="two", began=5)._replace(since=6)])
    store.portal.mark("ada", "three")
    known = store.portal.of_desktops("ada")
    assert known == {"one": (False, 30.0), "two": (False, 6.0), "three": (True, None)}
    assert store.portal.of_desktops("nobody") == {}
