"""Who may do what: every role, every action, every kind of target, as docs/roles.md shows it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgateway.auth.sign_in import subject_of
from tsgateway.policy import (
    ROLES,
    Action,
    DesktopRight,
    Gateway,
    Granted,
    Own,
    Owned,
    Role,
    Subject,
    authorize,
    covers,
)
from tsgateway.policy.reference import ALWAYS, DESKTOP, EVERYTHING, ME, NEVER, TARGETS, renewed
from tsgateway.store.accounts import Account

PAGE = (Path(__file__).parents[3] / "docs" / "roles.md").read_text()


def shown():
    """What the page says: (target, action, role or None) → cell; what it does not say is not allowed."""
    found = dict.fromkeys(
        ((title, action, role) for title in TARGETS for action in Action for role in (None, *Role)), NEVER
    )
    title, roles = "", []
    for line in PAGE.splitlines():
        if line.startswith("#"):
            title, roles = line.lstrip("# "), []
        elif title in TARGETS and line.startswith("| to do what |"):
            names = [name.strip() for name in line.strip("|").split("|")][1:]
            roles = [None if name == "no role" else Role(name) for name in names]
        elif roles and line.startswith("| "):
            first, *cells = (text.strip() for text in line.strip()[1:-1].split("|"))
            for role, cell in zip(roles, cells, strict=True):
                found[title, Action(first), role] = cell
    return found


SHOWN = shown()


def test_the_page_is_up_to_date():
    assert renewed(PAGE) == PAGE, "run: python -m tsgateway.policy.reference docs/roles.md"
    with pytest.raises(ValueError, match="lacks the lines"):
        renewed("")


def test_the_page_shows_each_target_and_each_role():
    assert set(SHOWN.values()) == {ALWAYS, EVERYTHING, NEVER}
    for title in TARGETS:
        assert f"### {title}\n" in PAGE
    assert set(ROLES) == set(Role)


@pytest.mark.parametrize("title", TARGETS)
@pytest.mark.parametrize("role", [None, *Role])
def test_roles_allow_what_the_page_shows_and_nothing_else(role, title):
    for action in Action:
        without, cell = SHOWN[title, action, None], SHOWN[title, action, role]
        expected = {
            None: cell in (ALWAYS, EVERYTHING),
            DESKTOP: cell == ALWAYS,
            "another": without == ALWAYS,
        }
        for desktop, allowed in expected.items():
            roles = frozenset() if role is None else frozenset({Granted(role, desktop)})
            subject = Subject(ME, frozenset({"users"}), roles)
            assert authorize(subject, action, TARGETS[title]) is allowed, (action, desktop)


def test_what_is_there_for_oneself_only():
    """Roles change nothing about desktops that are opened, sessions that are viewed and one's own account."""
    for (_, action, _), cell in SHOWN.items():
        assert cell in (ALWAYS, EVERYTHING, NEVER)
        if action in (Action.SEE, Action.CONNECT, Action.VIEW, Action.OWN_ACCOUNT):
            of_all = {SHOWN[title, action, role] for title in TARGETS for role in Role if role}
            assert of_all == {SHOWN[title, action, None] for title in TARGETS}


# ---- properties

names = st.sampled_from(["me", "somebody", "third"])
desktops = st.sampled_from(["lab", "office", "cad"])
rights = st.builds(
    DesktopRight, st.frozensets(names), st.frozensets(st.sampled_from(["users", "staff"])), desktops
)
targets = (
    rights
    | st.builds(lambda user, right, id: Owned(user, right, right.id if right else id), names,
                st.none() | rights, desktops)
    | st.just(Gateway())
    | st.builds(Own, names)
)  # fmt: skip
granted = st.builds(Granted, st.sampled_from(Role), st.none() | desktops)
subjects = st.builds(
    Subject, names, st.frozensets(st.sampled_from(["users", "staff"])), st.frozensets(granted)
)
actions = st.sampled_from(Action)


def desktop_of(target):
    if isinstance(target, DesktopRight):
        return target.id
    return target.desktop_id if isinstance(target, Owned) else None


@given(subjects, actions, targets)
def test_without_a_role_nobody_reaches_beyond_what_is_theirs(subject, action, target):
    plain = Subject(subject.name, subject.groups)
    if authorize(plain, action, target):
        is_given = isinstance(target, DesktopRight) and (
            plain.name in target.users or plain.groups & target.groups
        )
        is_own = isinstance(target, Owned | Own) and target.user == plain.name
        assert is_given or is_own


@given(subjects, granted, actions, targets)
def test_a_further_role_takes_nothing_away(subject, another, action, target):
    more = Subject(subject.name, subject.groups, subject.roles | {another})
    assert authorize(more, action, target) >= authorize(subject, action, target)


@given(subjects, st.sampled_from(Role), desktops, actions, targets)
def test_a_role_for_one_desktop_reaches_no_other_and_not_the_gateway(subject, role, desktop, action, target):
    more = Subject(subject.name, subject.groups, subject.roles | {Granted(role, desktop)})
    if desktop_of(target) != desktop:
        assert authorize(more, action, target) == authorize(subject, action, target)


@given(subjects, granted, actions, targets)
def test_who_covers_a_role_may_do_all_that_it_allows(subject, another, action, target):
    """So giving it gives nothing that the giver has not."""
    if covers(subject, [another]):
        receiver = Subject("nobody else", frozenset(), frozenset({another}))
        assert authorize(subject, action, target) >= authorize(receiver, action, target)


@given(subjects, st.frozensets(granted))
def test_owners_cover_everything_and_everybody_covers_nothing(subject, roles):
    assert covers(Subject("ada", frozenset(), frozenset({Granted(Role.OWNER)})), roles)
    assert covers(subject, [])
    assert covers(subject, subject.roles)
    assert not covers(Subject("bob", frozenset()), [Granted(Role.HELPDESK, "lab")])


def test_who_has_not_a_role_does_not_cover_it():
    operator = Subject("bob", frozenset(), frozenset({Granted(Role.OPERATOR)}))
    assert covers(operator, [Granted(Role.HELPDESK), Granted(Role.HELPDESK, "lab")])
    for role in (Role.OWNER, Role.AUDITOR, Role.TEMPLATE_MANAGER):
        assert not covers(operator, [Granted(role)])
        assert not covers(operator, [Granted(role, "lab")])
    of_lab = Subject("bob", frozenset(), frozenset({Granted(Role.OWNER, "lab")}))
    assert covers(of_lab, [Granted(Role.OPERATOR, "lab")])
    assert not covers(of_lab, [Granted(Role.HELPDESK)])
    assert not covers(of_lab, [Granted(Role.HELPDESK, "office")])


# ---- accounts


def test_an_account_has_its_roles_and_owners_are_administrators():
    account = Account("ada", "", ("staff", "users"), True, roles=(("helpdesk", None), ("operator", "lab")))
    assert subject_of(account, "password").roles == {
        Granted(Role.HELPDESK),
        Granted(Role.OPERATOR, "lab"),
    }
    assert subject_of(account._replace(roles=(("emperor", None),)), "password").roles == frozenset()
    administrator = account._replace(groups=("administrators", "users"), roles=())
    assert subject_of(administrator, "password").roles == {Granted(Role.OWNER)}
