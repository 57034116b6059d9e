"""What helpers do while people work, through the whole gateway with real session hosts."""

import base64

import pytest
import pytest_twisted
import simplejpeg
from twisted.internet.defer import Deferred

from sessions.wire import tsg
from sessions.wire.tsg import FROM_SERVER, CloseCode, ShadowState, decode
from tests.tsgateway.support import World, running, until
from tsgateway.policy import Granted, Role

ABLE = (1, 2, 12, 13, 14)
UNABLE = (1, 2)
RULES = {"ask": 1, "open": 2, "look": 4, "off": 0}
DESKTOPS = {
    name: {
        "title": f"Card {name}",
        "kind": "testcard",
        "fps": 0,
        "groups": ["users"],
        "rules": {"shadow": level},
    }
    for name, level in RULES.items()
}


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS):
        yield made


class Watcher:
    """A viewer that takes note of what is no picture."""

    def __init__(self, line):
        self.line = line
        self.heard = []
        self.closed = None

    @classmethod
    async def attach(cls, world, ticket, capabilities=ABLE, door="websocket"):
        self = cls(await getattr(world, door)())
        self.line.send(tsg.ClientHello(1, ticket, "test", 640, 480, capabilities).encode())
        await self.until(tsg.ServerHello)
        return self

    async def until(self, kind):
        """The next message of a kind; frames on the way are acknowledged, others are kept."""
        while True:
            for message in self.heard:
                if isinstance(message, kind):
                    self.heard.remove(message)
                    return message
            data = await self.line.message()
            assert data is not None, f"the end instead of {kind.__name__}: {self.heard}"
            message = decode(data, FROM_SERVER)
            if isinstance(message, tsg.Frame):
                self.say(tsg.Ack(message.number, 1, 1))
            self.heard.append(message)

    def say(self, message):
        self.line.send(message.encode())


async def ticket_of(answer):
    assert answer.status == 200, answer
    return base64.urlsafe_b64decode(answer.json["ticket"])


async def meanwhile(coroutine):
    """Begin a request whose answer takes long."""
    return Deferred.fromCoroutine(coroutine)


def address(session, rest):
    return f"/api/v1/sessions/{session}/{rest}"


@pytest_twisted.ensureDeferred
async def test_a_message_is_read_and_its_sender_hears_of_it(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await bob.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    body = {"title": "Maintenance", "text": "At noon.\nSave your work.", "seconds": 30, "wait": True}
    asking = await meanwhile(ada.post(address(session, "message"), body))
    dialog = await viewer.until(tsg.Dialog)
    assert (dialog.sender, dialog.title, dialog.text) == ("ada (owner)", body["title"], body["text"])
    viewer.say(tsg.Answer(dialog.id, 1))
    answer = await asking
    assert answer.json == {"session": session, "user": "bob", "answer": "ok", "error": ""}
    assert (await ada.post(address(session, "message"), {"text": "Bye."})).json["answer"] == ""
    await viewer.until(tsg.Dialog)
    refused = await bob.post(address(session, "message"), {"text": "Hello me"})
    assert (refused.status, refused.code) == (403, "no_right")


@pytest.mark.parametrize(
    "bad",
    [{}, {"text": ""}, {"text": "é" * 4096}, {"text": "x", "seconds": -1}, {"text": "x", "html": True},
     {"text": "x", "wait": True, "seconds": 0}, {"text": "x", "wait": True, "seconds": 301}],
)  # fmt: skip
@pytest_twisted.ensureDeferred
async def test_messages_are_bounded(world: World, bad):
    ada = await world.sign_in("ada")
    session, _ = await ada.ticket("ask")
    answer = await ada.post(address(session, "message"), bad)
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest_twisted.ensureDeferred
async def test_several_are_told_and_what_became_of_it_is_told_of_each(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    (here, ticket), (nobody, _) = await bob.ticket("ask"), await bob.ticket("open")
    mine, _ = await ada.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    everybody = "/api/v1/sessions/message"
    asking = await meanwhile(ada.post(everybody, {"user": "bob", "text": "Hi", "wait": True, "seconds": 9}))
    viewer.say(tsg.Answer((await viewer.until(tsg.Dialog)).id, 1))
    told = {each["session"]: each["answer"] for each in (await asking).json["messages"]}
    assert told == {here: "ok", nobody: "disconnected"}
    all_of_them = (await ada.post(everybody, {"everybody": True, "text": "Hi"})).json["messages"]
    assert {each["session"] for each in all_of_them} == {here, nobody, mine}
    numbers = [str(world.gateway.sessions.get(each).info["number"]) for each in (here, mine)]
    named = (await ada.post(everybody, {"sessions": numbers, "text": "Hi"})).json["messages"]
    assert [each["session"] for each in named] == [here, mine]
    for wrong in ({"sessions": ["99"]}, {"user": "carol"}):
        answer = await ada.post(everybody, {**wrong, "text": "Hi"})
        assert (answer.status, answer.code) == (404, "no_such_session")
    for both in ({}, {"user": "bob", "everybody": True}):
        assert (await ada.post(everybody, {**both, "text": "Hi"})).status == 400
    answer = await bob.post(everybody, {"everybody": True, "text": "Hi"})
    assert (answer.status, answer.code) == (404, "no_such_session")


@pytest_twisted.ensureDeferred
async def test_who_waits_for_a_message_hears_when_the_host_dies(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await bob.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    body = {"text": "Hi", "seconds": 200, "wait": True}
    asking = await meanwhile(ada.post(address(session, "message"), body))
    await viewer.until(tsg.Dialog)
    world.hosts[0]._link.abort()
    assert (await asking).status == 503


def noted(world):
    """What has become of looking on, as it was told; kept from when this is called first."""
    events = []
    world.gateway.sessions.shadows.told.append(events.append)
    return events


@pytest_twisted.ensureDeferred
async def test_a_helper_looks_on_with_leave_and_the_person_ends_it(world: World):
    events = noted(world)
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await bob.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    answer = await ada.post(address(session, "shadow"), {"control": True})
    assert answer.json["url"] == f"/session/{session}?shadow=control"
    helper = await Watcher.attach(world, await ticket_of(answer), door="native")
    dialog = await viewer.until(tsg.Dialog)
    assert dialog.kind == tsg.DialogKind.SHADOW_CONTROL
    viewer.say(tsg.Answer(dialog.id, 1))
    mark = await viewer.until(tsg.Shadow)
    assert (mark.state, mark.who) == (ShadowState.CONTROL, "ada (owner)")
    assert (await helper.until(tsg.Shadow)).who == "bob"
    await helper.until(tsg.ScreenSize)
    listed = (await ada.get(address(session, "viewers"))).json["viewers"]
    assert [(each["user"], each["shadow"], each["door"]) for each in listed] == [
        ("bob", "", "web"), ("ada", "control", "tsg"),
    ]  # fmt: skip
    assert listed[1]["name"] == f"tsg#{mark.id}"
    assert world.gateway.sessions.get(session).info["viewers"] == 1
    viewer.say(tsg.StopShadow(mark.id))
    closed = await helper.until(tsg.Close)
    assert (closed.code, closed.reason) == (CloseCode.SHADOW_OVER, "bob has ended it.")
    await until(lambda: len(events) == 3, "the end to be noted")
    assert [(each.state, each.who, each.user, each.control, each.asked) for each in events] == [
        (state, "ada", "bob", True, True) for state in ("asked", "began", "ended")
    ]


@pytest.mark.parametrize(
    ("desktop", "control", "said"),
    [
        ("off", False, "its rules do not allow it"),
        ("look", True, "but not use it"),
        ("ask", False, "Nobody is connected"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_the_rules_do_not_allow_is_refused(world: World, desktop, control, said):
    events = noted(world)
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await bob.ticket(desktop)
    ticket = await ticket_of(await ada.post(address(session, "shadow"), {"control": control}))
    line = await world.websocket()
    line.send(tsg.ClientHello(1, ticket, "test", 640, 480, ABLE).encode())
    closed = await line.closing()
    assert closed.code == CloseCode.SHADOW_OVER
    assert said in closed.reason
    assert [(each.state, each.reason) for each in events] == [("refused", closed.reason)]


@pytest_twisted.ensureDeferred
async def test_looking_on_needs_a_right_at_the_time_and_all_the_time(world: World):
    events = noted(world)
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await bob.ticket("open")
    hers, _ = await ada.ticket("open")
    answer = await bob.post(address(hers, "shadow"))
    assert (answer.status, answer.code) == (404, "no_such_session")
    assert (await bob.post(address(session, "shadow"))).status == 403
    helper = await Watcher.attach(world, await ticket_of(await ada.post(address(session, "shadow"))))
    await helper.until(tsg.ScreenSize)
    known = world.gateway._sign_in.known

    async def demoted(sign_in):
        subject = await known(sign_in)
        weaker = frozenset({Granted(Role.AUDITOR)}) if subject.name == "ada" else subject.roles
        return type(subject)(subject.name, subject.groups, weaker)

    world.gateway._sign_in.known = demoted
    await world.gateway._admittance.check_sign_ins()
    closed = await helper.until(tsg.Close)
    assert (closed.code, "may not" in closed.reason) == (CloseCode.SHADOW_OVER, True)
    await until(lambda: [each.state for each in events] == ["began", "ended"], "the end to be noted")
    person = await Watcher.attach(world, ticket)
    await person.until(tsg.ScreenSize)


@pytest_twisted.ensureDeferred
async def test_looking_on_ends_when_the_host_does(world: World):
    events = noted(world)
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await bob.ticket("look")
    helper = await Watcher.attach(world, await ticket_of(await ada.post(address(session, "shadow"))))
    await helper.until(tsg.ScreenSize)
    [host] = world.hosts
    world.gateway.sessions.host_down(host)
    assert [each.state for each in events] == ["began", "ended"]
    assert "has stopped" in events[-1].reason


@pytest.mark.parametrize("capabilities", [ABLE, UNABLE])
@pytest_twisted.ensureDeferred
async def test_a_viewer_is_moved_to_another_session_of_its_person(world: World, capabilities):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    (first, ticket), (second, _) = await bob.ticket("ask"), await bob.ticket("open")
    viewer = await Watcher.attach(world, ticket, capabilities)
    [number] = [each["number"] for each in (await ada.get(address(first, "viewers"))).json["viewers"]]
    answer = await ada.post(address(second, "move"), {"viewer": number})
    assert answer.json == {"viewers": [f"web#{number}"]}
    if capabilities is ABLE:
        switch = await viewer.until(tsg.Switch)
        assert (switch.session, switch.title) == (second, "Card open")
        moved = await Watcher.attach(world, switch.ticket)
        await moved.until(tsg.ScreenSize)
    closed = await viewer.until(tsg.Close)
    assert closed.code == CloseCode.DISCONNECTED
    assert ("Card open" in closed.reason) == (capabilities is UNABLE)
    disconnected = tsg.SessionState.DISCONNECTED
    await until(
        lambda: world.gateway.sessions.get(first).info["state"] == disconnected, "the first to be left"
    )


@pytest_twisted.ensureDeferred
async def test_nobody_is_moved_to_what_they_may_not_see_and_nobody_who_is_not_there(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    (his, ticket), (hers, _) = await bob.ticket("ask"), await ada.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    [number] = [each["number"] for each in (await ada.get(address(his, "viewers"))).json["viewers"]]
    for body, status, code in (
        ({"viewer": number}, 409, "not_theirs"),
        ({"session": his}, 409, "not_theirs"),
        ({"viewer": 10**6}, 404, "no_such_viewer"),
        ({"session": hers}, 404, "no_such_viewer"),
        ({"session": "99"}, 404, "no_such_viewer"),
        ({}, 400, "bad_request"),
        ({"viewer": 1, "session": his}, 400, "bad_request"),
    ):
        answer = await ada.post(address(hers, "move"), body)
        assert (answer.status, answer.code) == (status, code), body
    assert (await bob.post(address(his, "move"), {"viewer": number})).status == 403
    assert not [m for m in viewer.heard if isinstance(m, tsg.Switch | tsg.Close)]


@pytest_twisted.ensureDeferred
async def test_processes_need_an_agent_and_the_right(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await bob.ticket("ask")
    for person, path, status, code in (
        (ada, "processes", 409, "guest_refused"),
        (bob, "processes", 409, "guest_refused"),
    ):
        answer = await person.get(address(session, path))
        assert (answer.status, answer.code) == (status, code)
        assert "No agent runs" in answer.json["error"]["message"]
    for person, pid, status in ((ada, "7", 409), (ada, "init", 404), (ada, "9" * 99, 404), (bob, "7", 403)):
        answer = await world.request(
            "DELETE", address(session, f"processes/{pid}"), cookie=person.cookie, origin=world.origin,
            headers={"Origin": world.origin},
        )  # fmt: skip
        assert answer.status == status, (pid, answer)


@pytest_twisted.ensureDeferred
async def test_a_small_picture_is_shown_to_the_owner_and_to_helpers(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await bob.ticket("ask")
    viewer = await Watcher.attach(world, ticket)
    await viewer.until(tsg.ScreenSize)
    for person in (ada, bob):
        answer = await person.get(address(session, "thumbnail?width=200"))
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert simplejpeg.decode_jpeg(answer.body).shape[1] == 200
    kept = {"If-None-Match": answer.headers["ETag"]}
    again = await world.request(
        "GET", address(session, "thumbnail?width=200"), cookie=bob.cookie, headers=kept
    )
    assert (again.status, again.body) == (304, b"")
    assert (await bob.get(address(session, "thumbnail?width=9999"))).status == 400
    hers, _ = await ada.ticket("ask")
    assert (await bob.get(address(hers, "thumbnail"))).status == 404
