"""Files by the command line and by what it is made of, in front of a gateway whose guests are pretended."""

from __future__ import annotations

import hashlib
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from click.testing import CliRunner
from twisted.internet.threads import deferToThread

from tests.e2e.line import Line
from tests.e2e.machine import wait_for
from tests.sessions.images.test_full_disk import NAMESPACE
from tests.tsgateway.support import World
from thinclient.download import Fetch, Taken
from thinclient.local import Part, local_name, to_send
from thinclient.main import main
from thinclient.queue import Loading, Sending, Transfers
from thinclient.shared import found
from thinclient.transfer import State, Transfer, TransferFailed
from thinclient.upload import Upload
from tsgateway.client import Client, ClientError, ServerAway, signed_in

MOUNTED = 'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"'


@pytest_twisted.async_yield_fixture(scope="module")
async def world():
    line = Line()
    line.rate = 5e6
    origins = [f"https://localhost:{line.port}"]
    made = World(files={"quota_gb": 0.1}, server={"port": 0, "origins": origins})
    try:
        await made.start()
        made.slowly, made.line, line.to = origins[0], line, made.port
        yield made
    finally:
        await made.stop()
        line.stop()


class Person:
    """Ada, with a session; what she does runs on another thread than the gateway."""

    def __init__(self, world: World) -> None:
        certificate = ssl.PEM_cert_to_DER_cert((world.gateway.layout.root / "certificate.pem").read_text())
        self.world, self.pin = world, hashlib.sha256(certificate).hexdigest()
        self.client = signed_in(world.origin, "ada", "ada's password", fingerprint=self.pin)
        self.session = self.client.connect_desktop("one")["session"] or ""
        self.shared = world.gateway.layout.root / "shares/ada/one/files"
        listed = self.client.list_files(self.session)
        for each in listed["files"]:
            self.client.delete_file(self.session, path=each["name"])
        for one in listed["unfinished"]:
            self.client.cancel_upload(self.session, one["id"])

    def run(self, transfer: Transfer) -> Transfer:
        transfer.run(self.client)
        return transfer

    def sends(self, path: Path, target: str = "") -> Transfer:
        return self.run(Upload(path, self.session, target or path.name, patience=0))

    def loads(self, source: str, target: Path, **how: Any) -> Fetch:
        fetch = Fetch(self.session, source, target, None, patience=0, **how)
        self.run(fetch)
        return fetch

    def tsclient(
        self, command: str, *words: str | Path, prefix: tuple[str, ...] = ()
    ) -> tuple[int, str, str]:
        done = subprocess.run(
            [*prefix, *self.command(command, *words)], env=self.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def command(self, command: str, *words: str | Path, url: str = "") -> list[str]:
        who = ("--name", "ada", "--pin", self.pin, "--patience", "1")[: 4 if command == "ls" else None]
        return [
            sys.executable,
            "-m",
            "thinclient.main",
            command,
            url or self.world.origin,
            "one",
            *map(str, words),
            *who,
        ]

    def environment(self) -> dict[str, str]:
        return os.environ | {"TSCLIENT_PASSWORD": "ada's password"}


def in_thread(test: Callable[..., None]) -> Callable[..., Any]:
    """A test whose body may wait: it runs beside the gateway, which is on the main thread."""

    @pytest_twisted.ensureDeferred
    async def beside(world: World, tmp_path: Path) -> None:
        await deferToThread(lambda: test(Person(world), tmp_path))

    beside.__name__, beside.__doc__ = test.__name__, test.__doc__
    return beside


def made(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path


@in_thread
def test_files_pass_both_ways(ada: Person, folder: Path) -> None:
    for size in (0, 1, 300_000, 9_000_000):
        path = made(folder / f"Übung {size}.bin", size)
        sent = ada.sends(path, f"deep/er/{path.name}")
        assert (sent.state, sent.done, sent.message) == (State.DONE, size, f"deep/er/{path.name}"), (
            sent.message
        )
        assert (ada.shared / "deep/er" / path.name).read_bytes() == path.read_bytes()
        got = ada.loads(sent.message, folder / "got" / path.name)
        assert (got.state, got.done, got.size) == (State.DONE, size, size), got.message
        assert (folder / "got" / path.name).read_bytes() == path.read_bytes()
    assert sorted(each.name for each in (folder / "got").iterdir()) == sorted(
        each.name for each in folder.glob("*.bin")
    )


@in_thread
def test_an_upload_goes_on_where_it_was(ada: Person, folder: Path) -> None:
    path = made(folder / "a.bin", 3_000_000)
    begun = ada.client.begin_upload(ada.session, path="a.bin", size=3_000_000, changed=path.stat().st_mtime)
    ada.client.send_piece(ada.session, begun["id"], path.read_bytes()[:2_000_000], offset=0)
    seen = []
    upload = Upload(path, ada.session, "a.bin")
    upload.changed = lambda each: seen.append((each.state, each.done))
    ada.run(upload)
    assert upload.state is State.DONE
    assert min(done for state, done in seen if state is State.MOVING) == 2_000_000
    assert (ada.shared / "a.bin").read_bytes() == path.read_bytes()


@in_thread
def test_another_beginning_under_the_same_name_is_sent_anew(ada: Person, folder: Path) -> None:
    path = made(folder / "a.bin", 3_000_000)
    begun = ada.client.begin_upload(ada.session, path="a.bin", size=3_000_000, changed=path.stat().st_mtime)
    ada.client.send_piece(ada.session, begun["id"], bytes(2_000_000), offset=0)
    sent = ada.sends(path)
    assert sent.state is State.DONE, (sent.message, sent.error.__cause__)
    assert (ada.shared / "a.bin").read_bytes() == path.read_bytes()


@in_thread
def test_a_pause_a_cancelled_one_and_one_that_goes_on(ada: Person, folder: Path) -> None:
    path = made(folder / "a.bin", 3_000_000)
    upload = Upload(path, ada.session, "a.bin")

    def pause(each: Transfer) -> None:
        if each.state is State.MOVING and each.done:
            each.changed = lambda _: None
            each.pause()

    upload.changed = pause
    ada.run(upload)
    assert (upload.state, upload.error) == (State.PAUSED, None)
    assert 0 < upload.done < 3_000_000
    [left] = ada.client.list_files(ada.session)["unfinished"]
    assert left["offset"] == upload.done
    assert upload.queue()
    ada.run(upload)
    assert upload.state is State.DONE
    assert not upload.queue()
    upload = Upload(path, ada.session, "b.bin")
    upload.changed = lambda each: each.cancel() if each.done else None
    ada.run(upload)
    upload.discard(ada.client)
    assert (upload.state, ada.client.list_files(ada.session)["unfinished"]) == (State.CANCELLED, [])


@in_thread
def test_a_download_goes_on_where_it_was(ada: Person, folder: Path) -> None:
    path = made(ada.shared / "a.bin", 3_000_000)
    got = Fetch(ada.session, "a.bin", folder / "a.bin", None)

    def pause(each: Transfer) -> None:
        if each.state is State.MOVING and each.done > 1_000_000:
            each.pause()

    got.changed = pause
    ada.run(got)
    assert got.state is State.PAUSED
    [part] = folder.iterdir()
    there = part.stat().st_size
    assert 1_000_000 < there < 3_000_000
    again = ada.loads("a.bin", folder / "a.bin")  # by another program, as it were
    assert (again.state, again.began_at) == (State.DONE, there)
    assert [each.name for each in folder.iterdir()] == ["a.bin"]
    assert (folder / "a.bin").read_bytes() == path.read_bytes()


@in_thread
def test_what_has_changed_meanwhile_is_loaded_anew(ada: Person, folder: Path) -> None:
    made(ada.shared / "a.bin", 3_000_000)
    got = Fetch(ada.session, "a.bin", folder / "a.bin", None)
    got.changed = lambda each: each.pause() if each.state is State.MOVING and each.done else None
    ada.run(got)
    path = made(ada.shared / "a.bin", 2_500_000)
    again = ada.loads("a.bin", folder / "a.bin")
    assert (again.state, again.began_at) == (State.DONE, 0)
    assert [each.name for each in folder.iterdir()] == ["a.bin"]
    assert (folder / "a.bin").read_bytes() == path.read_bytes()


@in_thread
def test_what_was_damaged_on_this_disk_is_not_taken(ada: Person, folder: Path) -> None:
    path = made(ada.shared / "a.bin", 3_000_000)
    got = Fetch(ada.session, "a.bin", folder / "a.bin", None)
    got.changed = lambda each: each.pause() if each.state is State.MOVING and each.done else None
    ada.run(got)
    [part] = folder.iterdir()
    with part.open("r+b") as file:
        file.write(b"not what was loaded")
    again = ada.loads("a.bin", folder / "a.bin")
    assert (again.state, again.began_at) == (State.DONE, 0)
    assert (folder / "a.bin").read_bytes() == path.read_bytes()


@in_thread
def test_all_of_it_was_there_but_not_checked(ada: Person, folder: Path) -> None:
    path = made(ada.shared / "a.bin", 300_000)
    got = Fetch(ada.session, "a.bin", folder / "a.bin", None)
    got.changed = lambda each: each.pause() if each.state is State.FINISHING else None
    ada.run(got)
    assert (folder / "a.bin").exists() is False
    assert ada.loads("a.bin", folder / "a.bin").state is State.DONE
    assert (folder / "a.bin").read_bytes() == path.read_bytes()


@in_thread
def test_nothing_here_is_replaced_unless_that_is_wanted(ada: Person, folder: Path) -> None:
    path = made(ada.shared / "a.tar.gz", 1000)
    mine = folder / "a.tar.gz"
    mine.write_text("mine")
    got = ada.loads("a.tar.gz", mine)
    assert (got.state, got.error.code if got.error else "") == (State.FAILED, "exists")
    assert "is there already and was not replaced" in got.message
    assert mine.read_text() == "mine"
    assert ada.loads("a.tar.gz", mine, taken=Taken.NUMBERED).message == str(folder / "a.tar (2).gz")
    assert ada.loads("a.tar.gz", mine, taken=Taken.NUMBERED).message == str(folder / "a.tar (3).gz")
    assert mine.read_text() == "mine"
    assert ada.loads("a.tar.gz", mine, taken=Taken.REPLACES).state is State.DONE
    assert mine.read_bytes() == path.read_bytes()
    assert sorted(each.name for each in folder.iterdir()) == ["a.tar (2).gz", "a.tar (3).gz", "a.tar.gz"]


@in_thread
def test_a_file_that_changes_while_it_is_sent_is_not_sent(ada: Person, folder: Path) -> None:
    path = folder / "a.bin"
    for change, told in (
        (lambda: path.write_bytes(bytes(100)), "shorter"),
        (lambda: os.utime(path, (1, 1)), "changed"),
    ):
        made(path, 3_000_000)
        upload = Upload(path, ada.session, "a.bin", patience=0)
        upload.changed = lambda each, change=change: change() if each.done else None  # type: ignore[misc]
        ada.run(upload)
        assert upload.state is State.FAILED
        assert f"{path} " in upload.message
        assert told in upload.message
    assert not (ada.shared / "a.bin").exists()
    assert ada.sends(folder / "none").message == f"{folder}/none cannot be read: No such file or directory."


@in_thread
def test_a_gateway_that_goes_is_waited_for_and_one_that_stays_away_is_told(ada: Person, folder: Path) -> None:
    path = made(folder / "a.bin", 3_000_000)
    slow = signed_in(ada.world.slowly, "ada", "ada's password", fingerprint=ada.pin)
    seen: list[str] = []

    def cut_once(each: Transfer) -> None:
        if each.state is State.WAITING:
            seen.append(each.message)
            ada.world.line.mend()
        elif each.done > 1_000_000 and not seen:
            ada.world.line.cut()

    for transfer in (
        Upload(path, ada.session, "a.bin"),
        Fetch(ada.session, "a.bin", folder / "got/a.bin", None),
    ):
        seen.clear()
        transfer.changed = cut_once
        transfer.run(slow)
        assert transfer.state is State.DONE, transfer.message
        assert seen
        assert all(each.startswith(ada.world.slowly) or "cut" in each for each in seen), seen
    assert (folder / "got/a.bin").read_bytes() == path.read_bytes()
    away = Client.remote("https://localhost:1")
    upload = Upload(path, ada.session, "b.bin", patience=0)
    upload.run(away)
    assert (upload.state, type(upload.error)) == (State.FAILED, ServerAway)


@in_thread
def test_more_than_the_quota_is_told_in_the_gateways_words(ada: Person, folder: Path) -> None:
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(5_000_000_000)
    upload = ada.sends(folder / "huge.bin")
    assert upload.state is State.FAILED
    assert "it may hold" in upload.message


@in_thread
def test_folders_pass_both_ways_by_the_command_line(ada: Person, folder: Path) -> None:
    for name in ("one.txt", "inner/two.txt", "inner/drei — 三.txt"):
        made(folder / "tree" / name, 50_000)
    (folder / "tree/empty").mkdir()
    (folder / "tree/loop").symlink_to(folder / "tree")
    os.mkfifo(folder / "tree/pipe")
    code, out, err = ada.tsclient("put", folder / "tree", "--to", "sub")
    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == [
        "sub/tree/inner/drei — 三.txt",
        "sub/tree/inner/two.txt",
        "sub/tree/one.txt",
    ]
    code, out, err = ada.tsclient("get", ".", "-o", folder / "got")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 3
    for name in ("one.txt", "inner/two.txt", "inner/drei — 三.txt"):
        assert (folder / "got/sub/tree" / name).read_bytes() == (folder / "tree" / name).read_bytes()
    assert (folder / "got/sub/tree/empty").is_dir()
    code, out, err = ada.tsclient("ls", "sub/tree")
    assert [line.split()[-1] for line in out.splitlines()] == ["empty/", "inner/", "one.txt"]
    assert out.splitlines()[2].split()[0] == "50000"
    (folder / "got/sub/tree/one.txt").write_text("mine")
    code, out, err = ada.tsclient("get", "sub/tree/one.txt", "sub/tree/none", "-o", folder / "got/sub/tree")
    assert code == 1
    assert out == ""
    assert f"Error: {folder}/got/sub/tree/one.txt is there already; --replace" in err
    assert "“sub/tree/none” is not in the folder" in err


@in_thread
def test_a_download_is_killed_and_goes_on(ada: Person, folder: Path) -> None:
    path = made(ada.shared / "large.bin", 6_000_000)
    program = subprocess.Popen(
        ada.command("get", "large.bin", "-o", folder, url=ada.world.slowly),
        env=ada.environment(),
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: [each for each in folder.iterdir() if each.stat().st_size > 1_000_000], "a beginning")
    program.send_signal(signal.SIGKILL)
    program.wait()
    [part] = folder.iterdir()
    there = part.stat().st_size
    assert 1_000_000 < there < 6_000_000
    got = ada.loads("large.bin", folder / "large.bin")
    assert (got.state, got.began_at) == (State.DONE, there)
    assert (folder / "large.bin").read_bytes() == path.read_bytes()


@in_thread
def test_a_full_disk_is_a_sentence_and_what_was_loaded_is_kept(ada: Person, folder: Path) -> None:
    """On a file system of 2 MB in memory, which another program frees afterwards."""
    path = made(ada.shared / "large.bin", 3_000_000)
    small, kept = folder / "small", folder / "kept"
    small.mkdir()
    kept.mkdir()
    copies = ["sh", "-c", f'"$@"; code=$?; cp -a {small}/. {kept}; exit $code', "sh"]
    prefix = (*NAMESPACE, "sh", "-c", MOUNTED, "sh", str(small), *copies)
    code, out, err = ada.tsclient("get", "large.bin", "-o", small, prefix=prefix)
    assert (code, out) == (1, "")
    assert f"Error: The disk of {small} is full" in err
    assert "are kept: make room and load it again" in err
    [part] = kept.iterdir()
    there = part.stat().st_size
    assert there > 1_500_000
    got = ada.loads("large.bin", kept / "large.bin")
    assert (got.state, got.began_at) == (State.DONE, there)
    assert (kept / "large.bin").read_bytes() == path.read_bytes()


@in_thread
def test_an_upload_is_killed_and_goes_on(ada: Person, folder: Path) -> None:
    path = made(folder / "large.bin", 6_000_000)
    line = ada.command("put", path, url=ada.world.slowly)
    program = subprocess.Popen(line, env=ada.environment(), stderr=subprocess.DEVNULL)

    def there() -> int:
        return sum(each["offset"] for each in ada.client.list_files(ada.session)["unfinished"])

    wait_for(lambda: there() > 1_000_000, "a beginning")
    program.send_signal(signal.SIGKILL)
    program.wait()
    offset, went_on = there(), []
    assert 1_000_000 < offset < 6_000_000
    upload = Upload(path, ada.session, path.name)
    upload.changed = lambda each: went_on.append(each.done) if each.state is State.MOVING else None
    ada.run(upload)
    assert (upload.state, min(went_on)) == (State.DONE, offset)
    assert (ada.shared / "large.bin").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("url", "expected"), [("https://localhost:1", 4), ("http://desk", 2)])
@pytest.mark.parametrize("command", ["put", "get", "ls"])
def test_exit_codes(command: str, url: str, expected: int) -> None:
    words = [__file__] if command == "put" else []
    words += ["a"] if command == "get" else []
    secret = {"TSCLIENT_PASSWORD": "secret"}
    done = CliRunner().invoke(main, [command, url, "one", *words, "--name", "ada"], env=secret)
    assert (done.exit_code, done.stdout) == (expected, "")
    assert "Error: " in done.stderr


@in_thread
def test_who_may_not_is_told(ada: Person, folder: Path) -> None:
    words = ["put", ada.world.origin, "one", __file__, "--name", "ada", "--pin", ada.pin]
    done = CliRunner().invoke(main, words, env={"TSCLIENT_PASSWORD": "wrong"})
    assert (done.exit_code, done.stdout) == (5, "")
    words[2] = "none"
    done = CliRunner().invoke(main, words, env={"TSCLIENT_PASSWORD": "ada's password"})
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no desktop “none” for you." in done.stderr


def settled(transfers: Transfers) -> None:
    wait_for(
        lambda: not transfers.working, "all of them", lambda: str([each.state for each in transfers.items])
    )


@in_thread
def test_transfers_wait_for_their_turn_and_folders_become_files(ada: Person, folder: Path) -> None:
    for at in range(12):
        made(folder / f"tree/{at % 3}/{at}.bin", 100_000)
    (folder / "tree/empty").mkdir()
    transfers = Transfers(ada.client)
    try:
        transfers.add(Sending(ada.session, [folder / "tree", folder / "none"], "to", transfers.add))
        wait_for(lambda: not transfers.working and transfers.items, "an end of that")
        failed = [each.message for each in transfers.items if each.state is State.FAILED]
        assert failed == [f"{folder}/none cannot be read: No such file or directory."]
        assert sum(each.state is State.DONE for each in transfers.items) == 12
        assert (ada.shared / "to/tree/empty").is_dir()
        transfers.clear()
        assert len(transfers.items) == 1
        (folder / "got/tree/0").mkdir(parents=True)
        (folder / "got/tree/0/3.bin").write_text("mine")
        loading = Loading(ada.session, {"to/tree": Taken.NUMBERED}, folder / "got", transfers.add)
        transfers.add(loading)
        settled(transfers)
        assert loading not in transfers.items
        for at in range(12):
            name = "3 (2)" if at == 3 else str(at)
            assert (folder / f"got/tree/{at % 3}/{name}.bin").read_bytes() == (
                folder / f"tree/{at % 3}/{at}.bin"
            ).read_bytes()
        assert (folder / "got/tree/0/3.bin").read_text() == "mine"
        assert (folder / "got/tree/empty").is_dir()
    finally:
        transfers.close()


@in_thread
def test_transfers_are_paused_go_on_and_are_given_up(ada: Person, folder: Path) -> None:
    path = made(folder / "a.bin", 30_000_000)
    transfers = Transfers(ada.client)
    try:
        upload = Upload(path, ada.session, "a.bin")
        transfers.add(upload)
        wait_for(lambda: upload.done > 0, "a beginning")
        upload.pause()
        settled(transfers)
        assert upload.state is State.PAUSED
        transfers.resume(upload)
        settled(transfers)
        assert upload.state is State.DONE
        other = Upload(path, ada.session, "b.bin")
        transfers.add(other)
        wait_for(lambda: other.done > 0, "a beginning")
        transfers.cancel(other)
        unfinished = lambda: ada.client.list_files(ada.session)["unfinished"]  # noqa: E731
        wait_for(lambda: unfinished() == [], "an end of what is there")
        transfers.clear()
        assert transfers.items == []
        left = Upload(path, ada.session, "c.bin")
        transfers.add(left)
        wait_for(lambda: left.done > 0, "a beginning")
    finally:
        transfers.close()
    assert left.state is State.PAUSED


class Lying(Client):
    """A gateway that tells of strange files."""

    names: tuple[str, ...] = ()

    def list_files(self, id: object, *, path: Any = "") -> Any:
        depth = path.count("/")
        folder = {"name": "deeper", "folder": True, "bytes": 0, "changed": 1e300}
        files = [{"name": name, "folder": False, "bytes": 1, "changed": 0} for name in self.names]
        return {"files": [folder, *files] if depth < 1000 else []}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a\0b", "a\nb", "a\\b", "\u202egpj"]
)
def test_a_name_that_would_go_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(TransferFailed):
        local_name(name)
    lying = Lying.remote("https://localhost:1")
    lying.__class__.names = (name,)
    with pytest.raises(ClientError):
        list(found(lying, "s", "deeper"))


def test_folders_without_an_end_are_refused() -> None:
    lying = Lying.remote("https://localhost:1")
    lying.__class__.names = ()
    with pytest.raises(TransferFailed, match="too deeply"):
        list(found(lying, "s", "deeper"))


def test_parts_are_known_by_what_they_are_of(tmp_path: Path) -> None:
    part = Part.of(tmp_path, "a" * 255, "x/a", '"1f-2-3"')
    part.open(anew=True).close()
    assert Part.find(tmp_path, "a" * 255, "x/a") == part
    assert Part.find(tmp_path, "a" * 255, "y/a") is None
    for strange in ("", '"../../x"', "W/1", '"' + "a" * 300 + '"'):
        other = Part.of(tmp_path, "b", "b", strange)
        assert (other.path.parent, other.tag) == (tmp_path, "")
    with part.open(anew=False), pytest.raises(TransferFailed, match="Another program is loading"):
        part.open(anew=False)
    with pytest.raises(TransferFailed, match="cannot be written to: No such file"):
        Part.of(tmp_path / "none", "a", "a", "").open(anew=True)
    (tmp_path / ".c.link.part").symlink_to(tmp_path / "elsewhere")


def test_what_is_sent_of_a_folder(tmp_path: Path) -> None:
    made(tmp_path / "tree/b/c", 1)
    (tmp_path / "tree/a").symlink_to("b/c")
    (tmp_path / "tree/gone").symlink_to("nowhere")
    assert [(below, empty) for _, below, empty in to_send(tmp_path / "tree")] == [
        ("tree/a", False),
        ("tree/b/c", False),
    ]
    with pytest.raises(TransferFailed, match="neither a file nor a folder"):
        list(to_send(Path(os.devnull)))
