"""Several in one session: who is there, where they point, who controls, and what is told of that."""

import pytest
from twisted.internet.defer import ensureDeferred

from sessions.input.events import Button, Key, Pointer
from sessions.people import AGAIN_SECONDS, ASK_SECONDS, POINTER_SECONDS
from sessions.rules import Invitations, Rules, Second, ShadowLevel, Steering
from sessions.shadows import AWAY_SECONDS, MAX_INVITED, ShadowWish
from sessions.wire import tsg
from sessions.wire.tsg import CloseCode, Control, PersonKind, ShadowState, SharingRight
from tests.sessions.test_people import ABLE, Person
from tests.sessions.test_session import World

SHARES = (*ABLE, 22, 23)
ASK, DECIDE, TAKE = SharingRight.ASK, SharingRight.DECIDE, SharingRight.TAKE


def running(steering=Steering.SEVERAL, second=Second.TAKE_OVER, invitations=Invitations.ANYBODY):
    rules = Rules(second=second, shadow=ShadowLevel.CONTROL, invitations=invitations, steering=steering)
    world = World(rules)
    world.machine.started.callback(None)
    return world


class Guest(Person):
    """Somebody who is there, and knows of the others."""

    def __init__(self, world, number, controls=False, *, name="Bob (guest)", ask=False, able=SHARES):
        super().__init__(world, number, able, ShadowWish(controls, name, ask, invited=True))


def helper(world, number, controls=True):
    return Person(world, number, SHARES, ShadowWish(controls, "ruth (helpdesk)", False))


def owner(world, number=1, able=SHARES):
    return Person(world, number, able)


def seen(person):
    """Whom somebody was told of last: id → how they control; and what they may do themselves."""
    last = person.of(tsg.People)[-1]
    return {each.id: Control(each.control).name for each in last.people}, last.rights


def pointers(person):
    return [(m.id, m.x, m.y) for m in person.of(tsg.PointerOf)]


def turns(world):
    return [
        (each["viewer"], each["state"], each["inputs"]) for event, each in world.events if event == "control"
    ]


def typed(world):
    return [event.keysym for event in world.screen.got if isinstance(event, Key) and event.down]


def press(person, keysym):
    person.say(tsg.Key(1, 0, keysym))
    person.say(tsg.Key(0, 0, keysym))


# ---- who is there


def test_everybody_is_told_of_everybody_and_nothing_while_alone():
    world = running()
    ada = owner(world)
    assert ada.of(tsg.People) == []
    world.clock.advance(5)
    bob = Guest(world, 2)
    assert ada.of(tsg.People) == [
        tsg.People(
            1, DECIDE | TAKE,
            (
                tsg.PersonHere(1, PersonKind.OWNER, Control.HAS, 5, "ada"),
                tsg.PersonHere(2, PersonKind.GUEST, Control.NONE, 0, "Bob (guest)"),
            ),
        )
    ]  # fmt: skip
    assert seen(bob) == ({1: "HAS", 2: "NONE"}, ASK)
    world.session.detach(2)
    assert ada.of(tsg.People)[-1].people == ()
    assert world.session.info()["viewers"] == 1


def test_who_was_invited_is_in_the_list_and_not_a_mark_where_the_list_can_be_shown():
    world = running(second=Second.JOIN)
    new, old = owner(world), owner(world, 2, ABLE)
    Guest(world, 3)
    assert new.marks == []
    assert old.marks == [(3, ShadowState.VIEW, "Bob (guest)")]
    late = owner(world, 4)
    assert late.marks == []
    helper(world, 5)
    assert [mark[0] for mark in new.marks] == [5], "helpers are marked everywhere"
    world.session.detach(3)
    assert old.marks[-1][:2] == (3, ShadowState.OVER)


def test_one_who_knows_nothing_of_it_is_told_nothing():
    world = running()
    ada = owner(world, able=ABLE)
    Guest(world, 2).say(tsg.Pointer(5, 5, 0))
    assert ada.of(tsg.People) == ada.of(tsg.PointerOf) == []


# ---- invitations


def test_what_the_rule_says_of_invitations_holds_whatever_it_says_of_helpers():
    world = running(invitations=Invitations.OFF)
    owner(world)
    assert "rules do not allow it" in Guest(world, 2).gone[1]
    world = World(Rules(shadow=ShadowLevel.OFF))
    world.machine.started.callback(None)
    owner(world)
    assert Guest(world, 2).gone is None


def test_an_invited_one_is_asked_about_only_if_the_invitation_says_so():
    world = running()
    ada = owner(world)
    bob = Guest(world, 2, controls=True, ask=True)
    assert "Bob (guest) wants to see your screen and use" in ada.dialogs[0][3]
    ada.answer(1)
    assert seen(bob)[0] == {1: "HAS", 2: "HAS"}


def test_it_is_good_while_the_person_is_there_and_for_a_short_cut():
    world = running()
    assert "not connected now" in Guest(world, 2).gone[1]
    owner(world)
    bob = Guest(world, 3)
    world.session.detach(1)
    world.clock.advance(AWAY_SECONDS - 1)
    assert bob.gone is None
    owner(world, 4)
    world.clock.advance(AWAY_SECONDS)
    assert bob.gone is None
    world.session.detach(4)
    world.clock.advance(AWAY_SECONDS)
    assert bob.gone[0] == CloseCode.SHADOW_OVER
    assert not [call for call in world.clock.getDelayedCalls() if "deserted" in str(call.func)]


def test_only_so_many_are_invited_and_they_take_no_helpers_place():
    world = running()
    owner(world)
    for number in range(MAX_INVITED):
        assert Guest(world, 10 + number).gone is None
    assert "look on at this session already" in Guest(world, 40).gone[1]
    assert helper(world, 41).gone is None


# ---- pointers


def test_everybody_sees_where_the_others_point_also_those_who_only_watch():
    world = running()
    ada, bob = owner(world), Guest(world, 2)
    ruth = helper(world, 3, controls=False)
    bob.say(tsg.Pointer(10, 20, 1))
    ada.say(tsg.Pointer(30, 40, 0))
    assert pointers(ada) == [(2, 10, 20)]
    assert pointers(bob) == [(1, 30, 40)]
    assert pointers(ruth) == [(2, 10, 20), (1, 30, 40)]
    assert world.screen.got == [Pointer(30, 40, Button(0))], "who watches moves nothing in the guest"
    world.clock.advance(1)
    bob.say(tsg.PointAway())
    assert pointers(ada)[-1] == (2, tsg.NOWHERE, tsg.NOWHERE)


def test_they_are_told_no_more_often_than_needed_and_of_the_last_place():
    world = running()
    ada, bob = owner(world), Guest(world, 2)
    for x in range(100):
        bob.say(tsg.Pointer(x, 0, 0))
    world.clock.advance(POINTER_SECONDS)
    assert pointers(ada) == [(2, 0, 0), (2, 99, 0)]
    bob.say(tsg.Pointer(7, 0, 0))
    world.session.detach(2)
    world.clock.advance(1)
    assert pointers(ada) == [(2, 0, 0), (2, 99, 0)], "who has gone points at nothing"


def test_pointers_of_one_person_with_two_viewers_are_for_the_others_only():
    world = running(second=Second.JOIN)
    first, second = owner(world), owner(world, 2)
    first.say(tsg.Pointer(1, 1, 0))
    assert pointers(second) == []


# ---- control: several


def test_who_came_to_control_does_and_others_ask_the_person():
    world = running()
    ada, bob, eve = owner(world), Guest(world, 2, controls=True), Guest(world, 3, name="Eve (guest)")
    press(bob, 0x62)
    press(eve, 0x65)
    assert typed(world) == [0x62]
    eve.say(tsg.AskControl(1))
    assert seen(ada)[0] == {1: "HAS", 2: "HAS", 3: "ASKS"}
    assert seen(bob)[0][3] == "NONE", "it is not theirs to decide"
    assert seen(eve)[0][3] == "ASKS"
    bob.say(tsg.SetControl(3, 1))
    assert seen(ada)[0][3] == "ASKS"
    ada.say(tsg.SetControl(3, 1))
    assert seen(eve) == ({1: "HAS", 2: "HAS", 3: "HAS"}, 0)
    press(eve, 0x65)
    assert typed(world) == [0x62, 0x65]


def test_who_loses_control_lets_go_of_what_they_hold():
    world = running()
    ada, bob = owner(world), Guest(world, 2, controls=True)
    bob.say(tsg.Key(1, 0, 0x62))
    ada.say(tsg.SetControl(2, 0))
    assert world.screen.got[-1] == Key(False, 0, 0x62)
    press(bob, 0x63)
    assert typed(world) == [0x62]
    assert seen(bob)[1] == ASK
    ada.say(tsg.SetControl(1, 0))
    press(ada, 0x61)
    assert typed(world) == [0x62, 0x61], "its own person cannot be without it"


def test_a_helper_with_no_right_to_it_is_never_given_control():
    world = running()
    ada, ruth = owner(world), helper(world, 2, controls=False)
    ruth.say(tsg.AskControl(1))
    ada.say(tsg.SetControl(2, 1))
    press(ruth, 0x72)
    assert typed(world) == []
    assert seen(ruth) == ({1: "HAS", 2: "NONE"}, 0)


@pytest.mark.parametrize("answered", [True, False])
def test_who_is_refused_or_not_answered_is_told_and_bothers_nobody_for_a_while(answered):
    world = running()
    ada, bob = owner(world), Guest(world, 2)
    bob.say(tsg.AskControl(1))
    if answered:
        ada.say(tsg.SetControl(2, 0))
    else:
        world.clock.advance(ASK_SECONDS)
    assert seen(bob)[0][2] == seen(ada)[0][2] == "NONE"
    count = len(ada.messages)
    bob.say(tsg.AskControl(1))
    assert len(ada.messages) == count
    world.clock.advance(AGAIN_SECONDS)
    bob.say(tsg.AskControl(1))
    assert seen(ada)[0][2] == "ASKS"
    bob.say(tsg.AskControl(0))
    assert seen(ada)[0][2] == "NONE"


def test_requests_end_with_who_made_them():
    world = running()
    owner(world)
    Guest(world, 2).say(tsg.AskControl(1))
    world.session.detach(2)
    world.clock.advance(ASK_SECONDS)
    ensureDeferred(world.session.end("over"))
    assert not [call for call in world.clock.getDelayedCalls() if call.active()]


# ---- control: one


def test_one_at_a_time_hands_it_over_and_the_person_takes_it_back():
    world = running(Steering.ONE)
    ada, bob = owner(world), Guest(world, 2, controls=True)
    assert seen(bob) == ({1: "HAS", 2: "NONE"}, ASK)
    press(bob, 0x62)
    bob.say(tsg.AskControl(1))
    assert seen(ada)[0][2] == "ASKS"
    ada.say(tsg.SetControl(2, 1))
    assert seen(ada) == ({1: "NONE", 2: "HAS"}, DECIDE | TAKE)
    press(ada, 0x61)
    press(bob, 0x62)
    assert typed(world) == [0x62]
    ada.say(tsg.SetControl(1, 1))
    press(ada, 0x61)
    press(bob, 0x62)
    assert typed(world) == [0x62, 0x61]


def test_who_has_it_decides_about_those_who_were_invited_to_control():
    world = running(Steering.ONE)
    ada = owner(world)
    bob, eve = Guest(world, 2, controls=True), Guest(world, 3, controls=True, name="Eve (guest)")
    mallory = Guest(world, 4, name="Mallory (guest)")
    ada.say(tsg.SetControl(2, 1))
    eve.say(tsg.AskControl(1))
    mallory.say(tsg.AskControl(1))
    assert seen(bob) == ({1: "NONE", 2: "HAS", 3: "ASKS", 4: "NONE"}, DECIDE)
    assert seen(ada)[0] == {1: "NONE", 2: "HAS", 3: "ASKS", 4: "ASKS"}
    bob.say(tsg.SetControl(4, 1))
    assert seen(ada)[0][4] == "ASKS", "who was invited to watch asks the person"
    bob.say(tsg.SetControl(3, 1))
    assert seen(eve)[0] == {1: "NONE", 2: "NONE", 3: "HAS", 4: "NONE"}
    bob.say(tsg.SetControl(2, 1))
    assert seen(eve)[0][3] == "HAS", "who has given it away cannot take it back"
    eve.say(tsg.SetControl(3, 0))
    assert seen(ada)[0][1] == "HAS"


@pytest.mark.parametrize("leaves", [2, 1])
def test_where_one_controls_it_is_the_person_if_nobody_else_is_left(leaves):
    world = running(Steering.ONE)
    ada = owner(world)
    Guest(world, 2, controls=True)
    ada.say(tsg.SetControl(2, 1))
    world.session.detach(leaves)
    if leaves == 1:
        again = owner(world, 3)
        assert seen(again)[0] == {2: "HAS", 3: "NONE"}, "a cut takes it from nobody"
        again.say(tsg.SetControl(2, 0))
        press(again, 0x61)
    else:
        press(ada, 0x61)
    assert typed(world) == [0x61]


def test_a_helper_who_comes_to_control_has_it_at_once():
    world = running(Steering.ONE)
    ada, ruth = owner(world), helper(world, 2)
    assert seen(ada)[0] == {1: "NONE", 2: "HAS"}
    press(ruth, 0x72)
    assert typed(world) == [0x72]


def test_alone_a_person_always_controls():
    world = running(Steering.ONE)
    ada = owner(world)
    press(ada, 0x61)
    assert typed(world) == [0x61]
    assert turns(world) == []


# ---- what the audit hears


def test_who_controlled_and_how_much_they_did_is_told_and_not_what():
    world = running(Steering.ONE)
    ada = owner(world)
    press(ada, 0x61)
    Guest(world, 2, controls=True)
    press(ada, 0x61)
    world.clock.advance(7)
    ada.say(tsg.SetControl(2, 1))
    world.session.received(2, tsg.TypeText("secret").encode())
    world.session.received(2, tsg.Pointer(1, 2, 0).encode())
    world.session.detach(2)
    assert turns(world) == [(1, "began", 0), (1, "ended", 2), (2, "began", 0), (2, "ended", 2)]
    [spent] = [each["seconds"] for event, each in world.events if event == "control" and each["seconds"]]
    assert spent == 7
    assert "secret" not in repr(world.events)
