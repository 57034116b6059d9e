"""Accounts from elsewhere, second factors, groups: in both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tsgateway.store import (
    Arrival,
    GroupTaken,
    KeptGroup,
    LastAdministrator,
    NameTaken,
    NoSuchGroup,
    NoSuchUser,
    NotLinked,
    open_store,
)

HOUR = 3600
ADA = Arrival("corp", "uuid-1", "ada", "Ada L.", frozenset({"staff"}), adopts=True, create=True)


def opened(data):
    return open_store(data, data.directory / "tsgateway.db")


@pytest.fixture
def store(data):
    made = opened(data)
    yield made
    made.close()


# ---- accounts


def test_what_is_kept_of_an_account(store):
    store.add_user("ada", "hash", {"staff"}, 5.0, display_name="Ada", must_change=True)
    ada = store.user("ada")
    assert ada == store.all_users()[0]
    assert (ada.display_name, ada.source, ada.must_change, ada.created) == ("Ada", "local", True, 5.0)
    store.set_password("ada", "other")
    assert not store.user("ada").must_change
    store.change_user("ada", display_name="Ada L.", must_change=True)
    assert store.user("ada")[:2] == ("ada", "other")
    assert store.user("ada").display_name == "Ada L."
    with pytest.raises(NoSuchUser):
        store.change_user("eve", enabled=False)


def test_whoever_is_disabled_is_signed_out(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_sign_in(b"1", "ada", 0)
    store.change_user("ada", enabled=False)
    store.change_user("ada", enabled=True)
    assert store.use_sign_in(b"1", 1, HOUR, HOUR) is None


def test_a_new_password_may_keep_the_sign_in_that_set_it(store):
    store.add_user("ada", "hash", set(), 0)
    for token in (b"1", b"2"):
        store.add_sign_in(token, "ada", 0)
    store.set_password("ada", "new", keep=b"1")
    assert [each.token_hash for each in store.sign_ins_of("ada")] == [b"1"]


def test_a_hash_is_renewed_only_where_it_is_still_the_same(store):
    store.add_user("ada", "old", set(), 0)
    store.rehash("ada", "older", "wrong")
    assert store.user("ada").password == "old"
    store.rehash("ada", "old", "newer")
    assert store.user("ada").password == "newer"


def test_somebody_is_left_who_may_administer(store):
    store.add_user("ada", "hash", {"administrators"}, 0)
    for change in (
        lambda: store.delete_user("ada"),
        lambda: store.change_user("ada", enabled=False),
        lambda: store.groups.remove_member("administrators", "ada"),
    ):
        with pytest.raises(LastAdministrator):
            change()
        assert store.user("ada").enabled
        assert "administrators" in store.user("ada").groups
    store.add_user("bob", "hash", {"administrators"}, 0)
    store.delete_user("ada")
    assert store.user("ada") is None


def test_a_deleted_account_leaves_nothing(store):
    store.add_user("ada", "hash", {"staff"}, 0)
    store.add_sign_in(b"1", "ada", 0)
    store.factors.set("ada", b"secret", 1, [b"code"])
    store.delete_user("ada")
    store.add_user("ada", "hash", set(), 0)
    assert store.user("ada").groups == ("users",)
    assert store.factors.get("ada") is None
    assert not store.factors.use_recovery_code("ada", b"code")
    assert store.use_sign_in(b"1", 1, HOUR, HOUR) is None


# ---- from elsewhere


def test_who_arrives_for_the_first_time_gets_an_account_if_that_is_wanted(store):
    with pytest.raises(NotLinked, match='"uuid-1" of "corp"'):
        store.arrive(ADA._replace(create=False), 1)
    made = store.arrive(ADA, 1)
    assert made.groups == ("staff", "users")
    assert (made.source, made.source_key, made.display_name, made.password) == (
        "corp",
        "uuid-1",
        "Ada L.",
        "",
    )
    assert store.arrive(ADA, 2) == made


def test_an_account_of_another_source_is_never_given(store):
    store.add_user("ada", "hash", {"administrators"}, 0)
    for arrival in (ADA, ADA._replace(key="", create=False)):
        with pytest.raises(NotLinked):
            store.arrive(arrival, 1)
    store.arrive(ADA._replace(name="bob"), 1)
    with pytest.raises(NotLinked):
        store.arrive(ADA._replace(name="bob", key="uuid-2"), 1)  # the same name, somebody else
    with pytest.raises(NotLinked):
        store.arrive(ADA._replace(name="bob", source="other"), 1)
    assert store.user("ada").source == "local"


def test_who_has_been_renamed_elsewhere_keeps_the_account(store):
    store.arrive(ADA, 1)
    assert store.arrive(ADA._replace(name="ada.lovelace"), 2).name == "ada"
    assert store.user("ada.lovelace") is None


def test_an_account_made_beforehand_is_taken_where_names_can_be_trusted(store):
    store.add_user("ada", "", {"desk"}, 0, source="corp")
    with pytest.raises(NotLinked):
        store.arrive(ADA._replace(adopts=False), 1)
    assert store.arrive(ADA, 1).source_key == "uuid-1"
    with pytest.raises(NotLinked):
        store.arrive(ADA._replace(key="uuid-2"), 2)


def test_an_administrator_links(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_user("bob", "hash", set(), 0)
    store.add_sign_in(b"1", "ada", 0)
    store.link_user("ada", "corp", "uuid-1")
    assert store.use_sign_in(b"1", 1, HOUR, HOUR) is None
    assert store.user("ada").password == ""
    assert store.arrive(ADA._replace(adopts=False, create=False), 1).name == "ada"
    with pytest.raises(NameTaken, match="uuid-1"):
        store.link_user("bob", "corp", "uuid-1")


def test_groups_from_elsewhere_come_and_go_and_others_stay(store):
    store.arrive(ADA, 1)
    store.groups.add("desk", "", 1)
    store.groups.add_member("desk", "ada", 1)
    store.arrive(ADA._replace(groups=frozenset({"night", "desk"})), 2)
    assert store.user("ada").groups == ("desk", "night", "users")
    store.arrive(ADA._replace(groups=frozenset()), 3)
    assert store.user("ada").groups == ("desk", "users")


# ---- groups


def test_groups(store):
    store.add_user("ada", "hash", {"staff"}, 0)
    store.groups.add("desk", "Front desk", 1)
    with pytest.raises(GroupTaken):
        store.groups.add("desk", "", 1)
    store.groups.describe("desk", "The front desk")
    store.groups.add_member("desk", "ada", 1)
    store.groups.add_member("desk", "ada", 1)
    found = {group.name: (group.description, group.members) for group in store.groups.all()}
    assert found["desk"] == ("The front desk", 1)
    assert found["staff"] == ("", 1)
    assert store.groups.members("desk") == ["ada"]
    store.groups.remove_member("desk", "ada")
    assert store.groups.members("desk") == []
    store.groups.add_member("desk", "ada", 1)
    store.groups.remove("desk")
    assert store.user("ada").groups == ("staff", "users")


def test_groups_that_are_none_and_groups_that_stay(store):
    store.add_user("ada", "hash", set(), 0)
    for call in (
        lambda: store.groups.members("x"),
        lambda: store.groups.describe("x", ""),
        lambda: store.groups.remove("x"),
        lambda: store.groups.add_member("x", "ada", 0),
        lambda: store.groups.remove_member("x", "ada"),
    ):
        with pytest.raises(NoSuchGroup):
            call()
    with pytest.raises(NoSuchUser):
        store.groups.add_member("users", "eve", 0)
    for call in (
        lambda: store.groups.remove("users"),
        lambda: store.groups.remove("administrators"),
        lambda: store.groups.remove_member("users", "ada"),
    ):
        with pytest.raises(KeptGroup):
            call()


# ---- sign-ins and second factors


def test_a_sign_in_by_another_ends_when_that_one_does(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_sign_in(b"1", "ada", 100, "oidc:corp", "192.0.2.1")
    known = store.copy_sign_in(b"2", b"1", 200, "192.0.2.2")
    assert (known.account.name, known.method) == ("ada", "oidc:corp")
    copied = next(each for each in store.sign_ins_of("ada") if each.token_hash == b"2")
    assert copied[2:] == (100, 200, "oidc:corp", "192.0.2.2")
    assert store.use_sign_in(b"2", 100 + HOUR, HOUR, HOUR) is None
    store.end_sign_in(b"1")
    assert store.copy_sign_in(b"3", b"1", 200, "") is None
    store.add_sign_in(b"4", "ada", 300)
    store.change_user("ada", enabled=False)
    assert store.copy_sign_in(b"5", b"4", 300, "") is None


def test_copies_of_sign_ins_are_bounded_too(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_sign_in(b"0", "ada", 100)
    for number in range(1, 65):
        store.copy_sign_in(b"%d" % number, b"0", 100 + number, "")
    assert {each.token_hash for each in store.sign_ins_of("ada")} == {b"%d" % each for each in range(1, 65)}


def test_sign_ins_can_be_listed_and_ended(store):
    store.add_user("ada", "hash", set(), 0)
    store.add_sign_in(b"a" * 32, "ada", 1, "password+totp", "192.0.2.1")
    store.add_sign_in(b"b" * 32, "ada", 2, "oidc:corp", "192.0.2.2")
    [second, first] = store.sign_ins_of("ada")
    assert (first.id, first.method, first.address, first.created) == (
        "61" * 8,
        "password+totp",
        "192.0.2.1",
        1,
    )
    assert store.use_sign_in(second.token_hash, 3, HOUR, HOUR).method == "oidc:corp"
    assert store.end_sign_ins("ada", keep=b"b" * 32) == [b"a" * 32]
    assert store.end_sign_ins("ada") == [b"b" * 32]
    with pytest.raises(NoSuchUser):
        store.sign_ins_of("eve")


def test_a_step_counts_once_even_after_a_restart(data):
    store = opened(data)
    store.add_user("ada", "hash", set(), 0)
    assert not store.factors.use_step("ada", 5)  # there is no factor
    assert store.factors.set("ada", b"secret", 10, [])
    assert not store.factors.set("ada", b"another", 11, [])
    assert [store.factors.use_step("ada", step) for step in (9, 10, 11, 11, 10)] == [
        False, False, True, False, False,
    ]  # fmt: skip
    store.close()
    again = opened(data)
    assert not again.factors.use_step("ada", 11)
    assert again.factors.use_step("ada", 12)
    again.close()


def test_a_step_and_a_recovery_code_count_once_however_many_ask(data):
    """Each with a connection of its own, as several processes would."""
    store = opened(data)
    store.add_user("ada", "hash", set(), 0)
    store.factors.set("ada", b"secret", 0, [b"code"])
    others = [opened(data) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        steps = list(threads.map(lambda other: other.factors.use_step("ada", 7), others))
        codes = list(threads.map(lambda other: other.factors.use_recovery_code("ada", b"code"), others))
    assert sorted(steps) == sorted(codes) == [False] * 5 + [True]
    for other in (store, *others):
        other.close()


def test_recovery_codes_are_counted_replaced_and_removed(store):
    store.add_user("ada", "hash", set(), 0)
    store.factors.set("ada", b"secret", 1, [b"1", b"2"])
    assert store.factors.get("ada") == (b"secret", 2)
    assert store.factors.use_recovery_code("ada", b"1")
    assert store.factors.get("ada").codes == 1
    store.factors.set_recovery_codes("ada", [b"3"])
    assert not store.factors.use_recovery_code("ada", b"2")
    assert store.user("ada").has_totp
    assert store.factors.remove("ada")
    assert not store.factors.remove("ada")
    assert not store.factors.use_recovery_code("ada", b"3")
    assert not store.user("ada").has_totp
