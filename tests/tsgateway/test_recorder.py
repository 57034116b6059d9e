"""What is written down, and when."""

import pytest
import pytest_twisted
from twisted.internet.defer import fail, maybeDeferred
from twisted.internet.task import Clock

from sessions.wire.tsg import SessionState
from tsgateway.config import Config
from tsgateway.hosts import recorder as recording
from tsgateway.hosts.directory import Session
from tsgateway.hosts.recorder import DAY, Recorder
from tsgateway.hosts.sessions import Sessions
from tsgateway.store import Store, StoreUnavailable


class Host:
    number = 3


class Access:
    """Makes calls at once, or not at all; counts them."""

    def __init__(self):
        self.calls = []
        self.away = False

    def __call__(self, call, *arguments):
        self.calls.append(call.__name__)
        return fail(StoreUnavailable("away")) if self.away else maybeDeferred(call, *arguments)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "db")
    yield made
    made.close()


@pytest.fixture
def access():
    return Access()


@pytest.fixture
def recorder(store, access):
    config = Config()
    sessions = Sessions(config.desktops, config.sessions)
    return Recorder(sessions, store.history, access, Clock(), wall=lambda: 1000.0, keep=30 * DAY)


def session(number, state=SessionState.ACTIVE, **more):
    info = {"session": f"{number:032x}", "user": "ada", "desktop": "one", "state": state, "started": 900.0}
    return Session({**info, **more}, Host())


@pytest_twisted.ensureDeferred
async def test_a_burst_of_changes_is_one_writing_of_the_last_state(recorder, store, access):
    for number in range(3):
        for state in (SessionState.STARTING, SessionState.CONNECTED, SessionState.IDLE):
            recorder.session_changed(session(number, state, since=950.0))
    await recorder.write()
    await recorder.write()
    assert access.calls == ["note"]
    assert {(row.state, row.began, row.since, row.host) for row in store.history.page().sessions} == {
        ("idle", 900.0, 950.0, "3")
    }


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_written_is_kept_and_the_oldest_given_up(recorder, store, access, monkeypatch):
    monkeypatch.setattr(recording, "MAX_KEPT", 3)
    access.away = True
    for number in range(5):
        recorder.session_changed(session(number))
        await recorder.write()
    recorder.session_changed(session(2, SessionState.ENDED, text="It is over."))
    assert recorder.unwritten == 3
    access.away = False
    await recorder.write()
    assert recorder.unwritten == 0
    rows = {int(row.id, 16): (row.state, row.ended, row.reason) for row in store.history.page().sessions}
    assert rows == {2: ("ended", 1000.0, "It is over."), 3: ("active", None, ""), 4: ("active", None, "")}


@pytest_twisted.ensureDeferred
async def test_a_host_that_comes_back_without_its_sessions_while_the_database_is_away(
    recorder, store, access
):
    recorder.session_changed(session(1))
    recorder.session_changed(session(2))
    await recorder.write()
    access.away = True
    recorder.host_told(Host())
    await recorder.write()
    access.away = False
    recorder.session_changed(session(2, SessionState.IDLE))
    await recorder.write()
    rows = {int(row.id, 16): row.state for row in store.history.page().sessions}
    assert rows == {1: "ended", 2: "idle"}


@pytest_twisted.ensureDeferred
async def test_what_ended_long_ago_is_forgotten(recorder, store):
    recorder.session_changed(session(1, SessionState.ENDED, since=1000.0 - 31 * DAY, started=0.0))
    recorder.session_changed(session(2, SessionState.ENDED, since=999.0))
    await recorder.write()
    store.history.note(
        [row._replace(ended=-31 * DAY) for row in store.history.page().sessions if int(row.id, 16) == 1]
    )
    await recorder.prune()
    assert [int(row.id, 16) for row in store.history.page().sessions] == [2]
