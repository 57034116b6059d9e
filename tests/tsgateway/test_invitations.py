"""Invitations through the whole gateway with a real session host: made, traded, used, revoked."""

import base64

import pytest
import pytest_twisted

from sessions.wire import tsg
from sessions.wire.tsg import CloseCode
from tests.tsgateway.support import World, running, until
from tests.tsgateway.test_live import Watcher, address
from tsgateway.inviting import DENIED, OVER, SIGN_IN
from tsgateway.policy import Action

RULES = {"staff": "signed-in", "open": "anybody", "off": "off"}
DESKTOPS = {
    name: {
        "title": f"Card {name}",
        "kind": "testcard",
        "fps": 0,
        "users": ["ada"],
        "rules": {"invitations": rule},
    }
    for name, rule in RULES.items()
}
ABLE = (1, 2, 12, 13, 22, 23)
ALL = "/api/v1/invitations"


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS):
        yield made


def noted(world):
    events = []
    note = world.gateway.audit.trail.note
    world.gateway.audit.trail.note = lambda event: (events.append(event), note(event))
    return events


async def invite(ada, session, **wanted):
    answer = await ada.post(address(session, "invitations"), wanted)
    assert answer.status == 200, answer
    page, _, secret = answer.json["path"].partition("#")
    assert page == "/invitation"
    return answer.json["id"], secret


async def trade(world, secret, person=None, **more):
    cookie = None if person is None else person.cookie
    return await world.request("POST", f"{ALL}/trade", {"secret": secret, **more}, cookie=cookie)


async def come(world, answer):
    assert answer.status == 200, answer
    return await Watcher.attach(world, base64.urlsafe_b64decode(answer.json["ticket"]))


@pytest_twisted.ensureDeferred
async def test_a_stranger_looks_on_by_a_link_and_is_sent_away_when_it_is_revoked(world: World):
    events = noted(world)
    ada = await world.sign_in("ada")
    session, ticket = await ada.ticket("open")
    person = await Watcher.attach(world, ticket)
    id, secret = await invite(ada, session, anybody=True, ask=False)
    looked = await world.request("POST", f"{ALL}/look", {"secret": secret})
    assert (looked.json["by"], looked.json["title"], looked.json["needs"]) == ("ada", "Card open", "name")
    assert (await trade(world, secret)).code == "name_needed"
    assert (await trade(world, secret, name="Eve\u202egnp.exe")).code == "name_needed"
    answer = await trade(world, secret, name="  Bob \n Baker ")
    guest = await come(world, answer)
    await guest.until(tsg.ScreenSize)
    assert (await person.until(tsg.Shadow)).who == "Bob Baker (guest)"
    listed = (await ada.get(address(session, "viewers"))).json["viewers"]
    assert [(each["user"], each["shadow"], each["invitation"]) for each in listed] == [
        ("ada", "", ""), ("guest:Bob Baker", "view", id),
    ]  # fmt: skip
    assert world.gateway.sessions.get(session).info["viewers"] == 1
    await world.gateway._admittance.check_sign_ins()
    await world.gateway._admittance.signed_out(b"")
    assert (await ada.get(address(session, "invitations"))).json["invitations"][0]["guests"] == ["Bob Baker"]
    assert (await ada.ask("DELETE", f"{ALL}/{id}")).status == 204
    closed = await guest.until(tsg.Close)
    assert (closed.code, "taken back" in closed.reason) == (CloseCode.SHADOW_OVER, True)
    assert (await trade(world, secret, name="Bob", again=answer.json["again"])).code == "invitation_over"
    await until(lambda: any(each.kind == "shadow.ended" for each in events), "its end to be noted")
    told = [(each.kind, each.who, each.outcome) for each in events if each.kind.startswith("invitation")]
    assert told == [("invitation.used", "guest:Bob Baker", "done")]
    [began] = [each for each in events if each.kind == "shadow.began"]
    assert (began.who, began.details["invitation"]) == ("guest:Bob Baker", id)
    assert secret not in repr(events)


@pytest_twisted.ensureDeferred
async def test_a_use_counts_once_a_person_and_none_comes_by_it_beyond(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await ada.ticket("open")
    await Watcher.attach(world, ticket)
    _, secret = await invite(ada, session, anybody=True, ask=False, uses=2)
    first = await trade(world, secret, name="Eve")
    again = await trade(world, secret, name="Eve", again=first.json["again"])
    assert again.status == 200, "who comes again is no second person"
    assert (await trade(world, secret, bob)).status == 200
    assert (await trade(world, secret, bob)).status == 200, "an account is known by its name"
    refused = await trade(world, secret, name="Mallory")
    assert (refused.status, refused.code) == (410, "invitation_over")
    stale = await trade(world, secret, name="Eve", again=first.json["again"])
    assert stale.status == 410, "what was given to come again is good once"
    assert (await come(world, await trade(world, secret, bob))).heard == []


@pytest_twisted.ensureDeferred
async def test_who_has_not_signed_in_cannot_use_one_for_people_who_have(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await ada.ticket("staff")
    person = await Watcher.attach(world, ticket)
    refused = await ada.post(address(session, "invitations"), {"anybody": True})
    assert (refused.status, refused.code) == (403, "not_allowed")
    _, secret = await invite(ada, session, control=True)
    looked = await world.request("POST", f"{ALL}/look", {"secret": secret})
    assert (looked.json["needs"], looked.json["control"]) == ("sign-in", True)
    answer = await trade(world, secret, name="Eve")
    assert (answer.status, answer.code, answer.json["error"]["message"]) == (403, "sign_in_needed", SIGN_IN)
    attaching = await trade(world, secret, bob)
    guest = await come(world, attaching)
    dialog = await person.until(tsg.Dialog)
    assert "bob wants to see your screen and use" in dialog.title
    person.say(tsg.Answer(dialog.id, 0))
    closed = await guest.until(tsg.Close)
    assert (closed.code, closed.reason) == (CloseCode.SHADOW_OVER, "ada does not allow it.")


@pytest_twisted.ensureDeferred
async def test_what_the_rules_forbid_is_refused_at_the_time_and_all_the_time(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await ada.ticket("off")
    assert (await ada.post(address(session, "invitations"))).code == "not_allowed"
    assert (await ada.get(address(session, "invitations"))).json == {"invitations": [], "allowed": "off"}
    session, ticket = await ada.ticket("open")
    assert (await bob.post(address(session, "invitations"))).status == 404, "for its own person only"
    await Watcher.attach(world, ticket)
    _, secret = await invite(ada, session, anybody=True, ask=False)
    guest = await come(world, await trade(world, secret, name="Eve"))
    deny = {"name": "no links", "kind": "connection", "effect": "deny", "users": ["*"],
            "methods": ["invitation"]}  # fmt: skip
    made = (await ada.post("/api/v1/policies", deny)).json["id"]
    known = (await ada.get("/api/v1/policies")).json["policies"]
    others = [each["id"] for each in known if each["policy"]["kind"] == "connection" and each["id"] != made]
    order = {"kind": "connection", "ids": [made, *others]}
    assert (await ada.post("/api/v1/policies/order", order)).status < 300
    await world.gateway._admittance.check_sign_ins()
    assert (await guest.until(tsg.Close)).reason == DENIED
    assert (await trade(world, secret, name="Eve")).json["error"]["message"] == DENIED


@pytest_twisted.ensureDeferred
async def test_one_that_has_expired_or_never_was_leads_nowhere(world: World):
    ada = await world.sign_in("ada")
    session, ticket = await ada.ticket("open")
    await Watcher.attach(world, ticket)
    _, secret = await invite(ada, session, anybody=True, minutes=0.0001)
    for wrong in (secret, "A" * 43):
        answer = await trade(world, wrong, name="Eve")
        assert (answer.status, answer.json["error"]["message"]) == (410, OVER)
        assert (await world.request("POST", f"{ALL}/look", {"secret": wrong})).status == 410
    for bad in ("", "A" * 44, "A" * 42 + "="):
        assert (await trade(world, bad, name="Eve")).status == 400


@pytest_twisted.ensureDeferred
async def test_it_is_good_while_its_person_is_connected_and_goes_with_the_session(world: World):
    ada = await world.sign_in("ada")
    session, _ = await ada.ticket("open")
    _, secret = await invite(ada, session, anybody=True, ask=False, uses=5)
    answer = await trade(world, secret, name="Eve")
    line = await world.websocket()
    ticket = base64.urlsafe_b64decode(answer.json["ticket"])
    line.send(tsg.ClientHello(1, ticket, "test", 640, 480, (1, 2)).encode())
    closed = await line.closing()
    assert (closed.code, "not connected now" in closed.reason) == (CloseCode.SHADOW_OVER, True)
    assert (await ada.post(address(session, "reset"))).status < 300
    store = world.gateway._store.invitations
    await until(lambda: store.all() == [], "its invitations to be forgotten")
    assert (await trade(world, secret, name="Eve")).json["error"]["message"] == OVER


@pytest_twisted.ensureDeferred
async def test_only_so_many_are_kept_and_those_who_may_see_and_revoke_them(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, _ = await ada.ticket("open")
    made = [await invite(ada, session, anybody=True) for _ in range(32)]
    assert (await ada.post(address(session, "invitations"))).code == "too_many_invitations"
    assert (await bob.get(ALL)).json == {"invitations": []}
    assert len((await ada.get(ALL)).json["invitations"]) == 32
    answer = await bob.ask("DELETE", f"{ALL}/{made[0][0]}")
    assert (answer.status, answer.code) == (404, "no_such_invitation")
    store = world.gateway._store.roles
    store.give("helpdesk", "bob", None, None)
    assert (await bob.ask("DELETE", f"{ALL}/{made[0][0]}")).status == 204
    assert len((await ada.get(ALL)).json["invitations"]) == 31


def test_nobody_invites_to_a_session_that_is_not_theirs_whatever_their_role():
    from tsgateway.policy import ROLES

    assert not any(Action.INVITE in actions for actions in ROLES.values())


@pytest.mark.parametrize("bad", [{"minutes": 0}, {"minutes": 60 * 24 * 31}, {"uses": 0}, {"uses": 101}])
@pytest_twisted.ensureDeferred
async def test_invitations_are_bounded(world: World, bad):
    ada = await world.sign_in("ada")
    session, _ = await ada.ticket("open")
    assert (await ada.post(address(session, "invitations"), bad)).status == 400


@pytest_twisted.ensureDeferred
async def test_who_controlled_from_when_to_when_and_how_much_is_noted_and_not_what(world: World):
    events = noted(world)
    ada = await world.sign_in("ada")
    session, ticket = await ada.ticket("open")
    person = await Watcher.attach(world, ticket, ABLE)
    _, secret = await invite(ada, session, anybody=True, ask=False, control=True)
    guest = await come(world, await trade(world, secret, name="Bob"))
    await guest.until(tsg.ScreenSize)
    for down in (1, 0):
        guest.say(tsg.Key(down, 0, 0x68))
    people = await person.until(tsg.People)
    assert [(each.kind, each.name) for each in people.people] == [(0, "ada"), (2, "Bob (guest)")]
    guest.say(tsg.Ping(1))
    await guest.until(tsg.Pong)
    person.say(tsg.SetControl(people.people[1].id, 0))
    await until(lambda: any(each.kind == "control.ended" for each in events), "control to be taken")
    turns = [each for each in events if each.kind.startswith("control")]
    assert [(each.kind, each.who) for each in turns] == [
        ("control.began", "ada"), ("control.began", "guest:Bob"), ("control.ended", "guest:Bob"),
    ]  # fmt: skip
    assert turns[-1].details["inputs"] == 2
    assert turns[-1].target == f"session:{session}"
    [host] = world.hosts
    world.gateway.sessions.host_down(host)
    [cut] = [each for each in events if each.kind == "control.ended" and each.who == "ada"]
    assert "inputs" not in cut.details, "nobody can tell how many there were"
