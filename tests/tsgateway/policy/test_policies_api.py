"""Policies and roles over the API, and what they do at the doors of a gateway that runs."""

import sys

import pytest
import pytest_twisted

from sessions.wire.tsg import CloseCode
from tests.tsgateway.policy.support import DESKTOPS, EVERYBODY
from tests.tsgateway.support import World, hello, until
from tsgateway.policy.policies import Redirections

POLICIES = "/api/v1/policies"
HOME = {**EVERYBODY, "name": "At home", "networks": ["192.168.0.0/16"]}
MINE = {"name": "Mine", "kind": "resource", "users": ["ada"], "desktops": ["mine"]}


async def replace_all(ada, *tables):
    """Have these policies and no others."""
    for each in (await ada.get(POLICIES)).json["policies"]:
        assert (await ada.ask("DELETE", f"{POLICIES}/{each['id']}")).status == 204
    made = [await ada.post(POLICIES, table) for table in tables]
    assert [answer.status for answer in made] == [200] * len(tables), made
    return [answer.json["id"] for answer in made]


async def names(ada, kind="connection"):
    listed = (await ada.get(POLICIES)).json["policies"]
    return [each["policy"]["name"] for each in listed if each["policy"]["kind"] == kind]


async def explained(ada, **question):
    answer = await ada.post(f"{POLICIES}/explain", {"user": "bob", "desktop": "one", **question})
    assert answer.status == 200, answer
    return answer.json


# ---- the API


@pytest_twisted.ensureDeferred
async def test_policies_are_made_changed_ordered_and_deleted(world: World):
    ada = await world.sign_in()
    assert await names(ada) == ["Everybody"]
    assert await names(ada, "resource") == ["Desktops as configured"]
    a = (await ada.post(POLICIES, HOME)).json
    assert a["changed_by"] == "ada"
    assert a["policy"]["networks"] == ["192.168.0.0/16"]
    assert a["policy"]["redirections"]["files"] is True
    revision = (await ada.get(POLICIES)).json["revision"]
    first = (await ada.get(POLICIES)).json["policies"][0]["id"]
    ordered = {"kind": "connection", "ids": [a["id"], first], "revision": revision}
    assert (await ada.post(f"{POLICIES}/order", ordered)).status == 204
    assert await names(ada) == ["At home", "Everybody"]
    changed = {**HOME, "name": "Home", "enabled": False, "revision": revision + 1}
    answer = await ada.ask("PUT", f"{POLICIES}/{a['id']}", changed)
    assert (answer.status, answer.json["policy"]["enabled"]) == (200, False)
    assert (await ada.get(f"{POLICIES}/{a['id']}")).json == answer.json
    assert await names(ada) == ["Home", "Everybody"]
    assert (await ada.ask("DELETE", f"{POLICIES}/{a['id']}?revision={revision + 2}")).status == 204
    assert await names(ada) == ["Everybody"]


@pytest_twisted.ensureDeferred
async def test_what_was_changed_meanwhile_is_not_overwritten(world: World):
    ada = await world.sign_in()
    listed = (await ada.get(POLICIES)).json
    id, revision = listed["policies"][0]["id"], listed["revision"]
    assert (await ada.post(POLICIES, HOME)).status == 200
    late = [
        await ada.ask("PUT", f"{POLICIES}/{id}", {**EVERYBODY, "revision": revision}),
        await ada.ask("DELETE", f"{POLICIES}/{id}?revision={revision}"),
        await ada.post(POLICIES, {**HOME, "name": "X", "revision": revision}),
        await ada.post(f"{POLICIES}/order", {"kind": "connection", "ids": [id], "revision": revision}),
    ]
    assert [(answer.status, answer.code) for answer in late] == [(409, "policies_changed")] * 4
    assert (
        "Look at them" in late[0].json["error"]["message"]
        or "look at them" in late[0].json["error"]["message"]
    )
    assert await names(ada) == ["Everybody", "At home"]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"networks": ["10.1.2.3/16"]}, "networks[0]", "written 10.1.0.0/16"),
        ({"when": {"zone": "Europe/Berlin", "times": ["mo"]}}, "when.times[0]", "no weekday"),
        ({"when": {"zone": "Mars", "times": ["mon"]}}, "when.zone", "like Europe/Berlin"),
        ({"methods": ["pasword"]}, "methods[0]", "password+totp"),
        ({"doors": ["window"]}, "doors[0]", "tsg and web"),
        ({"users": []}, "users", "is everybody"),
        ({"desktops": ["one"]}, "desktops", "there is no such field"),
        ({"effect": "permit"}, "effect", "allow or deny"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_half_typed_is_refused_exactly(world: World, change, field, says):
    ada = await world.sign_in()
    answer = await ada.post(POLICIES, {**EVERYBODY, "name": "New", **change})
    assert (answer.status, answer.code, answer.json["field"]) == (400, "bad_policy", field)
    assert says in answer.json["allowed"]
    assert answer.json["error"]["message"].startswith(f"{field}: ")
    assert await names(ada) == ["Everybody"]


@pytest_twisted.ensureDeferred
async def test_wrong_targets_and_shapes(world: World):
    ada = await world.sign_in()
    for path in (f"{POLICIES}/99", f"{POLICIES}/x", f"{POLICIES}/99999999999"):
        assert (await ada.get(path)).code == "no_such_policy"
        assert (await ada.ask("DELETE", path)).code == "no_such_policy"
        answer = await ada.ask("PUT", path, {**EVERYBODY, "revision": 1})
        assert answer.code == "no_such_policy"
    assert (await ada.post(POLICIES, EVERYBODY)).code == "name_taken"
    assert (await ada.post(POLICIES, {**HOME, "colour": "red"})).code == "bad_request"
    assert (await ada.post(POLICIES, {**HOME, "networks": "10.0.0.0/8"})).code == "bad_request"
    assert (await ada.post(f"{POLICIES}/order", {"kind": "connection", "ids": []})).code == "no_such_policy"
    for reference in ("7K3F-29QX", "rubbish", "7k3f29qx"):
        answer = await ada.get(f"{POLICIES}/decisions/{reference}")
        assert answer.code == "no_such_decision"


# ---- explaining


@pytest_twisted.ensureDeferred
async def test_explaining_works_for_who_has_not_signed_in(world: World):
    ada = await world.sign_in()
    await replace_all(
        ada,
        HOME,
        {**EVERYBODY, "name": "Office", "networks": ["10.0.0.0/8"],
         "when": {"zone": "Europe/Berlin", "times": ["mon-fri 07:00-18:00"]}},
        DESKTOPS,
    )  # fmt: skip
    told = await explained(ada, address="10.1.2.3", at="Mon 08:00", zone="Europe/Berlin")
    assert told["allowed"]
    assert told["lines"][:2] == [
        "bob is in the groups users",
        'connection policy "At home" does not fit: address 10.1.2.3 is not in 192.168.0.0/16',
    ]
    assert told["lines"][-1].startswith("bob gets one: ")
    sunday = await explained(ada, address="10.1.2.3", at="2026-08-23 08:00", zone="Europe/Berlin")
    assert not sunday["allowed"]
    assert sunday["at"] == 1787464800
    assert "Sun 08:00 (Europe/Berlin) is not within mon-fri 07:00-18:00" in sunday["lines"][2]
    assert sunday["lines"][-1] == "bob does not get one: connection policy is missing: none fits"
    unknown = await explained(ada)
    assert "the client's address is not known" in unknown["lines"][1]
    assert unknown["redirections"] == dict.fromkeys(Redirections._fields, False)


@pytest_twisted.ensureDeferred
async def test_explaining_tells_of_the_account_and_of_whom_the_desktop_is_given_to(world: World):
    ada = await world.sign_in()
    told = await explained(ada, desktop="mine")
    assert not told["allowed"]
    assert "mine is not given to bob" in told["lines"][-1]
    await world.gateway._access(lambda: world.gateway._store.change_user("bob", enabled=False))
    assert "the account bob is disabled" in (await explained(ada))["lines"][-1]


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"user": "nobody"}, "no_such_user", 'no account "nobody"'),
        ({"desktop": "x"}, "no_such_desktop", "there are dying, mine, nobody"),
        ({"address": "10.1.2"}, "bad_policy", "like 10.1.2.3"),
        ({"at": "Monday"}, "bad_policy", "Mon 08:00"),
        ({"zone": "Mars"}, "bad_policy", "like Europe/Berlin"),
        ({"method": "magic"}, "bad_policy", "password+totp"),
        ({"door": "window"}, "bad_policy", "tsg and web"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_explained(world: World, change, code, says):
    ada = await world.sign_in()
    answer = await ada.post(f"{POLICIES}/explain", {"user": "bob", "desktop": "one", **change})
    assert answer.code == code
    assert says in answer.json["error"]["message"]


# ---- at the doors


@pytest_twisted.ensureDeferred
async def test_a_refusal_has_a_reference_number_that_is_explained(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    await replace_all(ada, HOME, DESKTOPS)
    answer = await bob.post("/api/v1/desktops/one/connect", {"width": 800, "height": 600})
    assert (answer.status, answer.code) == (403, "policy_denied")
    reference = answer.json["error"]["reference"]
    assert answer.json["error"]["message"].endswith(f"reference {reference}.")
    assert world.host_requests("start") == []
    told = (await ada.get(f"{POLICIES}/decisions/{reference.lower()}")).json
    assert (told["user"], told["desktop"], told["address"]) == ("bob", "one", "127.0.0.1")
    assert (told["method"], told["door"], told["allowed"]) == ("password", "web", False)
    assert told["tried"][0]["why"] == "address 127.0.0.1 is not in 192.168.0.0/16"
    assert (await bob.get(f"{POLICIES}/decisions/{reference}")).code == "no_right"
    again = await bob.post("/api/v1/desktops/one/connect", {"width": 800, "height": 600})
    assert again.json["error"]["reference"] == reference


@pytest_twisted.ensureDeferred
async def test_a_change_holds_for_the_next_who_asks(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    session, _ = await bob.ticket()
    await replace_all(ada, HOME, DESKTOPS)
    assert (await bob.post(f"/api/v1/sessions/{session}/ticket")).code == "policy_denied"
    await ada.post(POLICIES, EVERYBODY)
    assert (await bob.post(f"/api/v1/sessions/{session}/ticket")).status == 200


@pytest_twisted.ensureDeferred
async def test_policies_give_nobody_a_desktop_that_is_not_theirs(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    await replace_all(ada, EVERYBODY, MINE)
    assert (await bob.post("/api/v1/desktops/mine/connect", {})).code == "no_such_desktop"
    assert (await bob.post("/api/v1/desktops/one/connect", {})).code == "policy_denied"
    assert (await ada.post("/api/v1/desktops/mine/connect", {})).status == 200


@pytest.mark.parametrize(("door", "name"), [("websocket", "web"), ("native", "tsg")])
@pytest_twisted.ensureDeferred
async def test_the_door_that_a_viewer_comes_through_counts(world: World, door, name):
    ada = await world.sign_in()
    await replace_all(ada, EVERYBODY, DESKTOPS)
    _, ticket = await ada.ticket()
    other = {"web": "tsg", "tsg": "web"}[name]
    await replace_all(ada, {**EVERYBODY, "doors": [other]}, DESKTOPS)
    viewer = await getattr(world, door)()
    viewer.send(hello(ticket))
    closing = await viewer.closing()
    assert closing.code == CloseCode.DISCONNECTED
    reference = closing.reason.rpartition(" ")[2].rstrip(".")
    told = (await ada.get(f"{POLICIES}/decisions/{reference}")).json
    assert told["door"] == name
    assert world.host_requests("attach") == []


@pytest_twisted.ensureDeferred
async def test_limits_go_to_the_session_and_redirections_into_the_grant(world: World):
    ada = await world.sign_in()
    wanted = {
        **EVERYBODY,
        "limits": {"idle_minutes": 15, "session_minutes": 480},
        "redirections": {"clipboard_out": False, "files": False},
    }
    await replace_all(ada, wanted, DESKTOPS)
    _, ticket = await ada.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    [attached] = world.host_requests("attach")
    assert attached["limits"] == {"idle_minutes": 15, "active_minutes": 480}
    [present] = world.gateway._admittance.viewers.of(lambda grant: True)
    assert present.grant.redirections == (True, False, False, True, True)


@pytest_twisted.ensureDeferred
async def test_a_policys_limit_disconnects_from_a_session_that_goes_on():
    """With a real session host, which does it."""
    card = {"one": {"title": "Card", "kind": "testcard", "groups": ["users"]}}
    world = World(host_command=(sys.executable, "-m", "sessions.host"), desktops=card)
    try:
        await world.start()
        ada = await world.sign_in()
        await replace_all(ada, {**EVERYBODY, "limits": {"session_minutes": 0.02}}, DESKTOPS)
        session, ticket = await ada.ticket()
        viewer = await world.websocket()
        viewer.send(hello(ticket))
        closing = await viewer.closing()
        assert closing.code == CloseCode.DISCONNECTED
        assert "in use for 1 second" in closing.reason
        assert (await ada.get(f"/api/v1/sessions/{session}")).json["state"] == "disconnected"
    finally:
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_whose_policy_ends_is_disconnected(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    _, ticket = await bob.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    await world.gateway._admittance.watch.look()
    assert viewer.is_open
    await replace_all(ada, {**EVERYBODY, "groups": ["administrators"], "users": []}, DESKTOPS)
    await world.gateway._admittance.watch.look()
    closing = await viewer.closing()
    assert closing.code == CloseCode.DISCONNECTED
    assert "reference" in closing.reason
    await until(lambda: len(world.gateway._admittance.viewers) == 0, "the viewer to be gone")
    await world.gateway._admittance.watch.look()
    assert len(world.gateway._admittance.watch) == 0


# ---- roles


@pytest_twisted.ensureDeferred
async def test_a_role_holds_from_the_next_request_and_is_taken_away(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    assert (await bob.get("/api/v1/hosts")).code == "no_right"
    given = await ada.ask("PUT", "/api/v1/roles", {"role": "auditor", "user": "bob"})
    assert given.status == 200
    assert (await bob.get("/api/v1/hosts")).status == 200
    assert (await bob.get("/api/v1/roles")).json == {"roles": [given.json]}
    [role] = (await bob.get("/api/v1/me")).json["user"]["roles"]
    assert (role["role"], role["desktop"]) == ("auditor", None)
    assert (await bob.ask("PUT", "/api/v1/roles", {"role": "auditor", "user": "ada"})).code == "no_right"
    assert (await bob.ask("DELETE", f"/api/v1/roles/{given.json['id']}")).code == "no_right"
    assert (await ada.ask("DELETE", f"/api/v1/roles/{given.json['id']}")).status == 204
    assert (await bob.get("/api/v1/hosts")).code == "no_right"


@pytest_twisted.ensureDeferred
async def test_a_role_for_one_desktop_ends_there(world: World):
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    one, _ = await ada.ticket("one")
    mine, _ = await ada.ticket("mine")
    given = await ada.ask("PUT", "/api/v1/roles", {"role": "helpdesk", "group": "users", "desktop": "one"})
    assert given.status == 200
    assert (await bob.get(f"/api/v1/sessions/{one}")).status == 200
    assert (await bob.get(f"/api/v1/sessions/{mine}")).code == "no_such_session"
    assert (await bob.get("/api/v1/hosts")).code == "no_right"
    assert [each["id"] for each in (await bob.get("/api/v1/sessions")).json["sessions"]] == [one]


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"role": "emperor", "user": "bob"}, "bad_request", "owner, operator"),
        ({"role": "owner"}, "bad_request", "to one of them"),
        ({"role": "owner", "user": "bob", "group": "users"}, "bad_request", "to one of them"),
        ({"role": "owner", "user": "nobody"}, "no_such_user", 'no account "nobody"'),
        ({"role": "owner", "group": "nobody"}, "no_such_group", 'no group "nobody"'),
        ({"role": "owner", "user": "bob", "desktop": "x"}, "no_such_desktop", "there are dying"),
        ({"role": "owner", "user": "bob", "desktop": ""}, "bad_request", "desktop"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_roles_that_cannot_be_given(world: World, body, code, says):
    ada = await world.sign_in()
    answer = await ada.ask("PUT", "/api/v1/roles", body)
    assert answer.code == code
    assert says in answer.json["error"]["message"]
    assert (await ada.get("/api/v1/roles")).json == {"roles": []}


@pytest_twisted.ensureDeferred
async def test_the_last_owner_cannot_be_taken_away(world: World):
    ada = await world.sign_in()
    given = await ada.ask("PUT", "/api/v1/roles", {"role": "owner", "user": "ada"})
    await world.gateway._access(world.gateway._store.groups.remove_member, "administrators", "ada")
    answer = await ada.ask("DELETE", f"/api/v1/roles/{given.json['id']}")
    assert (answer.status, answer.code) == (409, "last_administrator")
    assert (await ada.get("/api/v1/hosts")).status == 200
    for missing in ("99", "x"):
        assert (await ada.ask("DELETE", f"/api/v1/roles/{missing}")).code == "no_such_role"


@pytest_twisted.ensureDeferred
async def test_accounts_are_changed_by_who_may_do_as_much_as_their_owners(world: World):
    """An owner changes an auditor's account, an operator a helper's, and nobody an owner's who is none."""
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    assert (await ada.post("/api/v1/users", {"name": "eve", "password": "a password of hers"})).status == 200
    for role, user in (("operator", "bob"), ("auditor", "eve")):
        assert (await ada.ask("PUT", "/api/v1/roles", {"role": role, "user": user})).status == 200
    assert (await ada.ask("PATCH", "/api/v1/users/eve", {"display_name": "Eve"})).status == 200
    for theirs in ("eve", "ada"):
        answer = await bob.ask("PATCH", f"/api/v1/users/{theirs}", {"display_name": "X"})
        assert (answer.status, answer.code) == (403, "beyond_you")
    [operator, auditor] = (await ada.get("/api/v1/roles")).json["roles"]
    assert operator["user"] == "bob"
    await ada.ask("DELETE", f"/api/v1/roles/{auditor['id']}")
    await ada.ask("PUT", "/api/v1/roles", {"role": "helpdesk", "user": "eve"})
    assert (await bob.ask("PATCH", "/api/v1/users/eve", {"display_name": "Eva"})).status == 200
