"""The session host as it really runs: a process of its own, spoken to over its Unix socket."""

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pytest

from sessions.guests.testcard import frame
from sessions.pixels.geometry import Size
from sessions.wire import link, tsg
from sessions.wire.tsg import CloseCode, SessionState
from tests.reference.picture import Picture
from tests.sessions.host.process import CARD, SECONDS, Host


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    host.close()


def picture_of(gateway):
    """Watch until the whole card is there."""
    picture = Picture()
    expected = frame(0, Size(320, 200)) & 0xFFFFFF

    def whole(message):
        if message.kind is link.Kind.VIEWER:
            got = picture.take(message.body)
            if isinstance(got, tsg.Frame):
                gateway.say(tsg.Ack(got.number, 0, 0), message.channel)
        return np.array_equal(picture.pixels, expected)

    gateway.until(whole)
    return picture


def test_it_may_open_as_many_files_as_there_may_be(few_files, tmp_path):
    host = Host(tmp_path)
    try:
        host.gateway().ask("hello", version=link.VERSION)
        assert resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE) == few_files
    finally:
        host.close()


def test_a_session_keeps_its_number_whatever_happens_to_its_host(host):
    gateway = host.gateway()
    assert gateway.start(number=7)["result"]["number"] == 7
    gateway.start("b" * 32, number=8)
    assert gateway.ask("number", session="b" * 32, number=2) == {"id": 3, "result": {}}
    host.kill()
    host.run()
    known = host.gateway().ask("hello", version=link.VERSION)["result"]["sessions"]
    assert {each["session"]: each["number"] for each in known} == {"a" * 32: 7, "b" * 32: 2}


def test_hello_start_watch_end(host):
    gateway = host.gateway()
    hello = gateway.ask("hello", version=link.VERSION)["result"]
    assert hello == {"version": 1, "pid": host.process.pid, "sessions": []}
    info = gateway.start()["result"]
    assert (info["kind"], info["user"], info["viewers"]) == ("testcard", "ada", 0)
    assert gateway.attach()["result"] == {}
    picture_of(gateway)
    gateway.until_event(lambda e: e["event"] == "session" and e["params"]["state"] == SessionState.ACTIVE)
    assert gateway.ask("end", session="a" * 32)["result"] == {}
    gateway.until_event(lambda e: e["event"] == "detached" and e["params"]["code"] == 6)
    assert gateway.ask("list")["result"]["sessions"] == []
    deadline = time.monotonic() + SECONDS
    while host.folders:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_viewer_is_held_to_the_limits_it_comes_with(host):
    gateway = host.gateway()
    gateway.start(rules={"warn_seconds": 0})
    assert "limits" in gateway.attach(viewer=6, limits={"idle": 1})["error"]
    assert gateway.ask("list")["result"]["sessions"][0]["viewers"] == 0
    assert gateway.attach(limits={"active_minutes": 0.01})["result"] == {}
    gateway.until_event(lambda e: e["event"] == "detached" and e["params"]["code"] == CloseCode.DISCONNECTED)
    (left,) = gateway.ask("list")["result"]["sessions"]
    assert left["state"] == SessionState.DISCONNECTED


def test_a_killed_host_takes_its_sessions_up_again(host):
    gateway = host.gateway()
    gateway.start()
    host.kill()
    with pytest.raises(EOFError):
        gateway.until(lambda message: False)
    host.run()
    gateway = host.gateway()
    sessions = gateway.ask("hello", version=1)["result"]["sessions"]
    assert [(s["session"], s["user"], s["title"]) for s in sessions] == [("a" * 32, "ada", "Card")]
    gateway.attach()
    picture_of(gateway)


def test_what_has_lasted_lasts_on_in_the_next_process(host):
    def life():
        return json.loads((host.folder / "state" / ("a" * 32) / "life.json").read_text())

    gateway = host.gateway()
    gateway.start(rules={"disconnected_minutes": 600})
    (before,) = gateway.ask("list")["result"]["sessions"]
    assert before["state"] == SessionState.DISCONNECTED
    left_at = life()["clock"]["left_at"]
    assert left_at <= time.monotonic(), "by a clock that the next process has, too"
    host.kill()
    host.run()
    (after,) = host.gateway().ask("hello", version=1)["result"]["sessions"]
    assert after == before
    assert life()["clock"]["left_at"] == left_at


def test_a_limit_ends_a_session_and_leaves_nothing(host):
    gateway = host.gateway()
    gateway.start(rules={"disconnected_minutes": 0.01})
    gateway.until_event(lambda e: e["event"] == "session" and e["params"]["reason"] == "LIMIT")
    deadline = time.monotonic() + SECONDS
    while host.folders:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_rules_that_are_none_are_refused(host):
    answer = host.gateway().start(rules={"second": "fight"})
    assert "second is none of take-over, join, refuse" in answer["error"]
    assert host.folders == []


def test_a_gateway_that_goes_leaves_the_session_disconnected(host):
    first = host.gateway()
    first.start()
    first.attach()
    picture_of(first)
    second = host.gateway()
    second.ask("hello", version=1)  # it hears of events from now on
    first.socket.close()
    second.until_event(lambda e: e["params"].get("state") == SessionState.DISCONNECTED)
    second.attach(viewer=1)
    picture_of(second)


def test_quit_lets_the_guests_go_on_and_ends_the_process(host):
    gateway = host.gateway()
    gateway.start()
    assert gateway.ask("quit")["result"] == {}
    assert host.process.wait(SECONDS) == 0
    assert host.folders == ["a" * 32]


def test_a_second_host_with_the_same_state_folder_refuses(host):
    host.gateway()
    command = [sys.executable, "-m", "sessions.host", "--settings", str(host.settings)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert second.returncode == 1
    assert "belongs to another session host" in second.stderr
    assert "Traceback" not in second.stderr
    host.gateway().ask("list")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"socket": 5}', '{"socket": "s", "state": "x"}'])
def test_settings_that_are_none(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_text(text)
    command = [sys.executable, "-m", "sessions.host", "--settings", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 1
    assert "is not a session host's settings file" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_refusals_are_sentences_and_leave_no_folder(host):
    gateway = host.gateway()
    assert "speaks link version 1" in gateway.ask("hello", version=9)["error"]
    assert "knows no request" in gateway.ask("dance")["error"]
    assert "malformed" in gateway.ask("start")["error"]
    assert "There is no session" in gateway.attach()["error"]
    assert "no guest plug-in named 'toaster'" in gateway.start(spec={"kind": "toaster"})["error"]
    assert "is 'wide'" in gateway.start(spec={**CARD, "width": "wide"})["error"]
    assert "cannot be used" in gateway.start(session="../../etc")["error"]
    gateway.start()
    assert "cannot be used" in gateway.start()["error"]
    assert host.folders == ["a" * 32]


def test_a_gateway_that_breaks_the_link_is_cut_off_and_another_is_served(host):
    bad, good = host.gateway(), host.gateway()
    bad.socket.sendall(b"\xff" * 64)
    with pytest.raises((EOFError, ConnectionResetError)):
        bad.until(lambda message: False)
    assert good.ask("list")["result"] == {"sessions": []}


def ready(gateway, desktop="d"):
    """Wait until a guest stands ready."""
    gateway.until_event(lambda e: e["event"] == "load" and e["params"]["spares"].get(desktop))


def test_a_spare_is_found_again_and_given_to_a_session(host):
    gateway = host.gateway()
    gateway.ask("hello", version=link.VERSION)
    wish = [{"desktop": "d", "spec": CARD, "spares": 1}]
    gateway.ask("pools", pools=wish)
    ready(gateway)
    [spare] = host.folders
    host.kill()
    host.run()
    gateway = host.gateway()
    assert gateway.ask("hello", version=link.VERSION)["result"]["sessions"] == []
    gateway.ask("pools", pools=wish)
    ready(gateway)
    assert host.folders == [spare]
    assert gateway.start(spec=CARD)["result"]["state"] == SessionState.DISCONNECTED
    assert (host.folder / "state" / spare / "session.json").exists()
    gateway.attach()
    picture_of(gateway)
    gateway.ask("end", session="a" * 32)
    assert gateway.ask("pools", pools=[])["result"]["pools"] == []
    gateway.ask("quit")  # which waits for what is being removed
    assert host.process.wait(SECONDS) == 0
    assert host.folders == []


def test_a_wish_that_is_none_changes_nothing(host):
    gateway = host.gateway()
    gateway.ask("hello", version=link.VERSION)
    gateway.ask("pools", pools=[{"desktop": "d", "spec": CARD, "spares": 1}])
    ready(gateway)
    for pools in [None, 5, [5], [{}], [{"desktop": "d", "spec": 1, "spares": 1}],
                  [{"desktop": "d", "spec": CARD, "spares": -1}],
                  [{"desktop": "d", "spec": CARD, "spares": 10**9}]]:  # fmt: skip
        assert "malformed" in gateway.ask("pools", pools=pools)["error"]
        told = gateway.ask("spares")["result"]
        assert told["pools"] == [{"desktop": "d", "wanted": 1, "ready": 1, "starting": 0, "trouble": ""}]


def test_half_written_and_foreign_folders_do_no_harm(tmp_path):
    state = tmp_path / "state"
    (state / ("b" * 32)).mkdir(parents=True)
    (state / ("c" * 32)).mkdir()
    (state / ("c" * 32) / "session.json").write_text('{"session": ')
    (state / "notes").mkdir()
    (tmp_path / "link.sock").touch()
    host = Host(tmp_path)
    try:
        gateway = host.gateway()
        assert gateway.ask("list")["result"] == {"sessions": []}
        gateway.ask("quit")  # which waits for what is being removed
        assert host.process.wait(SECONDS) == 0
        assert host.folders == ["notes"]
    finally:
        host.close()


def test_files_are_for_the_owner_only(host):
    host.gateway().start()
    session = host.folder / "state" / ("a" * 32)
    assert os.stat(host.folder / "link.sock").st_mode & 0o077 == 0
    assert os.stat(session).st_mode & 0o077 == 0
    assert os.stat(session / "session.json").st_mode & 0o077 == 0


def test_it_tells_its_load_again_and_again(host):
    gateway = host.gateway()
    gateway.ask("hello", version=link.VERSION)

    def told():
        return [event["params"] for event in gateway.events if event["event"] == "load"]

    assert len(told()) == 1
    gateway.until_event(lambda _: len(told()) == 2)
    assert told()[-1]["memory_free"] > 0
