"""Policies, noted decisions and roles in the store, with each database."""

import pytest

from tests.tsgateway.policy.support import DESKTOPS, EVERYBODY
from tests.tsgateway.test_migrations import fill_as_version_1
from tsgateway.policy.policies import read_policy
from tsgateway.store import open_store
from tsgateway.store import policies as policies_of_store
from tsgateway.store import roles as roles_of_store
from tsgateway.store.policies import (
    KEEP_SECONDS,
    NoSuchPolicy,
    Noted,
    PoliciesChanged,
    PolicyNameTaken,
    TooManyPolicies,
)
from tsgateway.store.roles import NoSuchRole, TooManyRoles
from tsgateway.store.tables import LastAdministrator, NoSuchUser


@pytest.fixture
def store(data):
    made = open_store(data, data.directory / "tsgateway.db")
    yield made
    made.close()


def names(store, kind="connection"):
    return [each.table["name"] for each in store.policies.all().policies if each.table["kind"] == kind]


def test_a_new_installation_has_one_of_each_that_let_everybody_in(store):
    each = store.policies.all().policies
    assert [one.table["name"] for one in each] == ["Everybody", "Desktops as configured"]
    for one in each:  # written as this version writes them
        assert read_policy(one.table, {"UTC"}.__contains__).table() == one.table
        assert one.table["users"] == ["*"]


def test_an_installation_of_the_first_version_is_let_in_as_before(data):
    fill_as_version_1(data)
    store = open_store(data, data.directory / "tsgateway.db")
    assert names(store) == ["Everybody"]
    assert names(store, "resource") == ["Desktops as configured"]
    assert store.policies.revision() == 1
    assert store.user("ada").roles == ()
    store.close()


def test_policies_are_added_changed_ordered_and_removed(store):
    policies = store.policies
    first = policies.all().policies[0].id
    a = policies.add({**EVERYBODY, "name": "A"}, "ada", 5)
    b = policies.add({**EVERYBODY, "name": "B"}, "ada", 6)
    policies.add({**DESKTOPS, "name": "C"}, "ada", 7)
    assert names(store) == ["Everybody", "A", "B"]
    policies.reorder("connection", [b, first, a], None)
    assert names(store) == ["B", "Everybody", "A"]
    policies.change(a, {**EVERYBODY, "name": "A2"}, "bob", 8, None)
    assert names(store) == ["B", "Everybody", "A2"]
    changed = next(each for each in policies.all().policies if each.id == a)
    assert (changed.changed, changed.changed_by) == (8, "bob")
    policies.remove(first, None)
    assert names(store) == ["B", "A2"]
    assert names(store, "resource") == ["Desktops as configured", "C"]
    policies.add({**EVERYBODY, "name": "D"}, "ada", 9)
    assert names(store) == ["B", "A2", "D"]


def test_who_saves_what_was_changed_meanwhile_is_refused_and_nothing_happens(store):
    policies = store.policies
    before = policies.all()
    first = before.policies[0].id
    policies.change(first, {**EVERYBODY, "name": "Mine"}, "ada", 1, before.revision)
    for late in (
        lambda: policies.change(first, {**EVERYBODY, "name": "His"}, "bob", 2, before.revision),
        lambda: policies.add({**EVERYBODY, "name": "New"}, "bob", 2, before.revision),
        lambda: policies.remove(first, before.revision),
        lambda: policies.reorder("connection", [first], before.revision),
        lambda: policies.remove(first, 10**30),
        lambda: policies.remove(first, -1),
    ):
        with pytest.raises(PoliciesChanged, match="changed meanwhile"):
            late()
    assert names(store) == ["Mine"]
    assert policies.revision() == before.revision + 1


def test_what_does_not_work_changes_nothing(store, monkeypatch):
    policies = store.policies
    before = policies.all()
    first, resource = (each.id for each in before.policies)
    with pytest.raises(PolicyNameTaken, match='"Everybody"'):
        policies.add(EVERYBODY, "ada", 1)
    with pytest.raises(PolicyNameTaken):
        policies.change(resource, {**DESKTOPS, "name": "Everybody"}, "ada", 1, None)
    for unknown in (999, -1, 10**30):
        with pytest.raises(NoSuchPolicy):
            policies.change(unknown, EVERYBODY, "ada", 1, None)
        with pytest.raises(NoSuchPolicy):
            policies.remove(unknown, None)
    with pytest.raises(NoSuchPolicy):  # of the other kind
        policies.change(first, {**DESKTOPS, "name": "X"}, "ada", 1, None)
    for order in ([], [first, first], [first, resource], [10**30]):
        with pytest.raises(NoSuchPolicy):
            policies.reorder("connection", order, None)
    monkeypatch.setattr(policies_of_store, "MAX_POLICIES", 2)
    with pytest.raises(TooManyPolicies):
        policies.add({**EVERYBODY, "name": "X"}, "ada", 1)
    assert policies.all() == before


def test_decisions_are_kept_for_a_while_and_so_many(store, monkeypatch):
    policies = store.policies
    assert policies.noted("7K3F-29QX") is None
    policies.note([])
    policies.note([Noted("7K3F-29QX", 100.0, {"user": "ada"})])
    assert policies.noted("7K3F-29QX") == ("7K3F-29QX", 100.0, {"user": "ada"})
    policies.note([Noted("7K3F-29QX", 101.0, {"user": "bob"})])  # the later one counts
    assert policies.noted("7K3F-29QX").body == {"user": "bob"}
    policies.note([Noted("AAAA-AAAA", 102.0 + KEEP_SECONDS, {})])
    assert policies.noted("7K3F-29QX") is None
    monkeypatch.setattr(policies_of_store, "MAX_DECISIONS", 3)
    policies.note([Noted(f"AAAA-AAA{n}", 103.0 + KEEP_SECONDS + n, {}) for n in range(4)])
    assert policies.noted("AAAA-AAAA") is None
    assert policies.noted("AAAA-AAA0") is None
    assert policies.noted("AAAA-AAA1") is not None


# ---- roles


@pytest.fixture
def people(store):
    store.add_user("ada", "hash", {"administrators"}, 0)
    store.add_user("bob", "hash", {"staff"}, 0)
    return store


def test_roles_are_given_by_name_and_by_group(people):
    roles = people.roles
    his = roles.give("helpdesk", "bob", None, "lab")
    staffs = roles.give("auditor", None, "staff", None)
    roles.give("operator", "ada", None, None)
    assert roles.of("bob") == [his, staffs]
    assert his[1:] == ("helpdesk", "bob", None, "lab")
    assert roles.give("helpdesk", "bob", None, "lab") == his  # once
    assert roles.give("helpdesk", "bob", None, None) != his
    assert roles.one(staffs.id) == staffs
    assert roles.take(his.id) == his
    assert [each.role for each in roles.of("bob")] == ["auditor", "helpdesk"]
    for missing in (his.id, -1, 10**30):
        with pytest.raises(NoSuchRole):
            roles.take(missing)
    for unknown in (lambda: roles.of("eve"), lambda: roles.give("helpdesk", "eve", None, None)):
        with pytest.raises(NoSuchUser, match='no account "eve"'):
            unknown()
    assert len(roles.all()) == 3


def test_the_last_owner_stays(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_user("bob", "hash", {"staff"}, 0)
    roles = store.roles
    hers = roles.give("owner", "ada", None, None)
    of_lab = roles.give("owner", "bob", None, "lab")
    with pytest.raises(LastAdministrator):
        roles.take(hers.id)
    roles.take(of_lab.id)  # that one owns no gateway
    of_staff = roles.give("owner", None, "staff", None)
    roles.take(hers.id)
    with pytest.raises(LastAdministrator):
        roles.take(of_staff.id)
    assert roles.all() == [of_staff]
    nobodys = roles.give("owner", None, "empty", None)
    with pytest.raises(LastAdministrator):
        roles.take(of_staff.id)
    roles.take(nobodys.id)
    store.add_user("eve", "hash", {"administrators"}, 0)
    roles.take(of_staff.id)  # administrators own it, too


def test_there_are_so_many_roles(people, monkeypatch):
    monkeypatch.setattr(roles_of_store, "MAX_GRANTS", 1)
    his = people.roles.give("helpdesk", "bob", None, None)
    assert people.roles.give("helpdesk", "bob", None, None) == his
    with pytest.raises(TooManyRoles):
        people.roles.give("auditor", "bob", None, None)


def test_an_account_knows_its_roles(people):
    people.roles.give("helpdesk", None, "staff", "lab")
    people.roles.give("helpdesk", "bob", None, "lab")
    people.roles.give("auditor", "bob", None, None)
    people.roles.give("operator", None, "others", None)
    assert sorted(people.user("bob").roles) == [("auditor", None), ("helpdesk", "lab")]
    assert people.user("ada").roles == ()
    people.add_sign_in(b"1", "bob", 0)
    assert len(people.use_sign_in(b"1", 1, 100, 100).account.roles) == 2


def test_roles_go_with_their_account_and_their_group(people):
    people.roles.give("helpdesk", "bob", None, None)
    people.roles.give("auditor", None, "staff", None)
    people.delete_user("bob")
    people.add_user("bob", "hash", {"staff"}, 0)
    assert people.user("bob").roles == (("auditor", None),)
    people.groups.remove("staff")
    people.groups.add("staff", "", 0)
    people.groups.add_member("staff", "bob", 0)
    assert people.user("bob").roles == ()


def test_an_owner_by_role_stays_as_the_last_administrator(people):
    people.roles.give("owner", None, "staff", None)
    people.groups.remove_member("administrators", "ada")
    for change in (
        lambda: people.change_user("bob", enabled=False),
        lambda: people.delete_user("bob"),
        lambda: people.groups.remove_member("staff", "bob"),
        lambda: people.groups.remove("staff"),
    ):
        with pytest.raises(LastAdministrator):
            change()
    assert people.user("bob").roles == (("owner", None),)
    assert people.has_administrator()  # so that none is made at the next start


def test_who_owns_one_desktop_is_no_administrator(store):
    store.add_user("bob", "hash", set(), 0)
    store.roles.give("owner", "bob", None, "lab")
    assert not store.has_administrator()
