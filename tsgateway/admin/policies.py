"""`tsadmin policy`: who may open which desktops, in which order that is tried, and why somebody may not."""

from __future__ import annotations

import difflib
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tsgateway.admin.command import Command, Gateway, Group, Said, command, confirm, note, yes_option
from tsgateway.admin.errors import Cannot, WrongUse
from tsgateway.admin.files import read_text, read_toml_text, toml
from tsgateway.admin.names import ACCOUNT, DESKTOP, POLICY
from tsgateway.admin.text import clean, exact, facts, table
from tsgateway.client import Client, Refused

Json = dict[str, Any]
MAX_SIZE = 64 * 1024
KINDS = ("connection", "resource")

_policy = click.argument("name", metavar="POLICY", type=POLICY)
_file = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))


@command("list", examples=(("tsadmin policy list", "all policies, in the order in which they are tried"),))
def list_policies(gateway: Gateway) -> Said:
    """List policies, each kind in the order in which it is tried.

    To open a desktop, one connection policy and one resource policy have to allow it; the first of each kind
    that fits decides.
    """
    told = gateway.client.list_policies()
    rows = [
        (
            each["id"],
            kind,
            _effect(each["policy"]),
            each["policy"]["name"],
            _who(each["policy"]),
            _what(each["policy"]),
        )
        for kind in KINDS
        for each in told["policies"]
        if each["policy"]["kind"] == kind
    ]
    return Said(told, table(">ID|KIND|EFFECT|NAME|WHO|WHAT", rows), head=True)


@command(
    "show",
    examples=(
        ("tsadmin policy show Everybody", "as TOML"),
        ("tsadmin policy show Everybody > file", "to edit it, then `tsadmin policy edit Everybody file`"),
    ),
)
@_policy
def show_policy(gateway: Gateway, name: str) -> Said:
    """Show a policy as TOML. POLICY: its number or its name."""
    found = _one(gateway.client, name)[0]
    return Said(found, toml(found["policy"]))


@command(
    "add",
    examples=(
        ("tsadmin policy add night.toml", "a new policy, the last of its kind"),
        ("tsadmin policy add -", "from standard input"),
    ),
)
@_file
def add_policy(gateway: Gateway, file: str) -> Said:
    """Make a policy of what FILE says, TOML or JSON; it is the last of its kind.

    docs/policies.md has the keys.
    """
    made = gateway.client.make_policy(**_read(file))
    return Said(made, [f"Made: the policy {clean(made['policy']['name'])}, number {made['id']}."])


@command(
    "edit",
    examples=(
        ("tsadmin policy edit Everybody", "in your editor"),
        ("tsadmin policy edit 3 file", "replace number 3 by what a file says"),
    ),
)
@_policy
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, allow_dash=True))
def edit_policy(gateway: Gateway, name: str, file: str | None) -> Said | None:
    """Replace a policy: by what FILE says, or in your editor ($EDITOR). POLICY: its number or its name."""
    found, revision = _one(gateway.client, name)
    if file is not None:
        return _changed(gateway.client, found, _read(file), revision)
    if not sys.stdin.isatty():
        raise WrongUse("give a file; there is no terminal for an editor here", code="no_terminal")
    text = "\n".join([*toml(found["policy"]), ""])
    while True:
        edited = click.edit(text, extension=".toml", require_save=False)
        if edited is None or edited == "\n".join([*toml(found["policy"]), ""]):
            raise Cannot("nothing was changed", code="not_changed")
        try:
            return _changed(gateway.client, found, _checked(_table(edited, "the policy")), revision)
        except (WrongUse, Refused) as error:
            note(str(error))
            if not click.confirm("Edit it again?", default=True, err=True):
                raise Cannot("nothing was changed", code="not_changed") from None
            text = edited


def _changed(client: Client, found: Json, table: Json, revision: int) -> Said:
    told = client.change_policy(found["id"], revision=revision, **table)
    return Said(told, [f"Changed: the policy {clean(told['policy']['name'])}."])


def _switch(word: str, enabled: bool, about: str) -> Command:
    def switch(gateway: Gateway, name: str) -> Said:
        found, revision = _one(gateway.client, name)
        told = gateway.client.change_policy(
            found["id"], revision=revision, **{**found["policy"], "enabled": enabled}
        )
        return Said(told, [f"{word.capitalize()}d: the policy {clean(told['policy']['name'])}."])

    switch.__doc__ = about
    return command(word, examples=((f"tsadmin policy {word} Everybody", "the policy of that name"),))(
        _policy(switch)
    )


enable_policy = _switch("enable", True, "Try a policy again.")
disable_policy = _switch("disable", False, "Keep a policy, but do not try it.")


@command(
    "move",
    examples=(
        ("tsadmin policy move Night --first", "before all others of its kind"),
        ("tsadmin policy move Night --before Everybody", "before that one"),
    ),
)
@_policy
@click.option("--first", "place", flag_value="first", help="Before all others.")
@click.option("--last", "place", flag_value="last", help="Behind all others.")
@click.option("--before", type=POLICY, metavar="POLICY", help="Before this one.")
@click.option("--after", type=POLICY, metavar="POLICY", help="Behind this one.")
def move_policy(
    gateway: Gateway, name: str, place: str | None, before: str | None, after: str | None
) -> Said:
    """Put a policy to another place among those of its kind. POLICY: its number or its name."""
    if [place, before, after].count(None) != 2:
        raise WrongUse("say where: --first, --last, --before or --after", code="no_place")
    told = gateway.client.list_policies()
    found = _named(told["policies"], name)
    kind = found["policy"]["kind"]
    ids = [
        each["id"]
        for each in told["policies"]
        if each["policy"]["kind"] == kind and each["id"] != found["id"]
    ]
    if before or after:
        beside = _named(told["policies"], before or after or "")
        if beside["id"] not in ids:
            raise WrongUse(f"{name} and {before or after} are not two policies of one kind", code="bad_place")
        at = ids.index(beside["id"]) + (after is not None)
    else:
        at = 0 if place == "first" else len(ids)
    ids.insert(at, found["id"])
    gateway.client.order_policies(kind=kind, ids=ids, revision=told["revision"])
    lines = [f"{clean(found['policy']['name'])} is tried as number {at + 1} of {len(ids)} {kind} policies."]
    return Said({"kind": kind, "ids": ids}, lines)


@command("delete", examples=(("tsadmin policy delete Night", "the policy of that name"),))
@_policy
@yes_option
def delete_policy(gateway: Gateway, name: str, yes: bool) -> Said:
    """Delete a policy. POLICY: its number or its name."""
    found, revision = _one(gateway.client, name)
    title = clean(found["policy"]["name"])
    confirm(f"Delete the policy {title}?", yes)
    gateway.client.remove_policy(found["id"], revision=revision)
    return Said({"id": found["id"], "name": found["policy"]["name"]}, [f"Deleted: the policy {title}."])


@command(
    "explain",
    examples=(
        (
            "tsadmin policy explain user1 desktop1 --from 10.1.2.3 --at 'Mon 08:00'",
            "from there, on Mondays at eight",
        ),
        ("tsadmin policy explain user1 desktop1 --from 10.1.2.3", "now"),
    ),
)
@click.argument("user", type=ACCOUNT)
@click.argument("desktop", type=DESKTOP)
@click.option("--from", "address", default="", metavar="ADDRESS", help="From which address.")
@click.option("--at", default="", metavar="TIME", help="When: `Mon 08:00`, `2026-08-24 08:00`; else now.")
@click.option("--zone", default="", help="In which time zone that is meant; else the gateway's.")
@click.option("--method", default="", help="Signed in how: password, password+totp, oidc:NAME, …")
@click.option("--door", default="", help="By which door: web or tsg.")
def explain(
    gateway: Gateway, *, user: str, desktop: str, address: str, at: str, zone: str, method: str, door: str
) -> Said:
    """Tell whether USER gets DESKTOP, each policy that is tried, and the condition that decides."""
    told = gateway.client.explain_policies(
        user=user, desktop=desktop, address=address, at=at, zone=zone, method=method, door=door
    )
    return Said(told, map(clean, told["lines"]))


@command(
    "decision", examples=(("tsadmin policy decision K7Q2-M4XT", "what somebody was told with this number"),)
)
@click.argument("reference")
def decision(gateway: Gateway, reference: str) -> Said:
    """Explain the REFERENCE number that somebody who was refused was shown."""
    told = gateway.client.get_decision(reference)
    rows = facts(
        (
            ("reference", told["reference"]),
            ("when", exact(told["at"])),
            ("user", told["user"]),
            ("groups", ", ".join(told["groups"])),
            ("desktop", told["desktop"]),
            ("from", told["address"]),
            ("signed in by", told["method"]),
            ("door", told["door"]),
            ("decision", f"{'allowed' if told['allowed'] else 'refused'}: {told['why']}"),
        )
    )
    tried = table(
        "KIND|POLICY|OUTCOME|WHY",
        [(each["kind"], each["name"], each["outcome"], each["why"]) for each in told["tried"]],
    )
    return Said(told, [*rows, "", *tried])


policy = Group(
    "policy", list_policies, show_policy, add_policy, edit_policy, move_policy, enable_policy, disable_policy,
    delete_policy, explain, decision, help="Say who may open which desktops, and explain why.",
)  # fmt: skip


# ---- finding and reading them


def _one(client: Client, name: str) -> tuple[Json, int]:
    """Return a policy and the revision it was looked at in. Raises Cannot."""
    told = client.list_policies()
    return _named(told["policies"], name), told["revision"]


def _named(policies: Any, name: str) -> Json:
    for same in (
        [each for each in policies if each["id"] == name],
        [each for each in policies if each["policy"]["name"].lower() == name.lower()],
    ):
        if len(same) == 1:
            return dict(same[0])
        if same:
            numbers = ", ".join(each["id"] for each in same)
            raise Cannot(f"{clean(name)} means the policies {numbers}; give a number", code="ambiguous")
    known = ", ".join(f"{each['id']} ({clean(each['policy']['name'])})" for each in policies)
    raise Cannot(f"no policy {clean(name)}; there are {known or 'none'}", code="no_such_policy")


def _read(file: str) -> Json:
    if file == "-":
        return _checked(_table(sys.stdin.read(MAX_SIZE), "standard input"))
    return _checked(_table(read_text(Path(file), MAX_SIZE), file))


def _table(text: str, where: str) -> Json:
    if not text.lstrip().startswith("{"):
        return dict(read_toml_text(text, where))
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"{where}: not valid JSON: {error}", code="bad_file") from None
    # What `policy show --json` has said may be given back as it is.
    found = found["policy"] if isinstance(found.get("policy"), dict) else found
    return dict(found)


def _checked(table: Json) -> Json:
    """Return a policy whose keys the gateway knows. Raises WrongUse."""
    known = [
        name for name in inspect.signature(Client.make_policy).parameters if name not in ("self", "revision")
    ]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"known are: {', '.join(known)}"
            raise WrongUse(f'a policy has no "{clean(key)}"; {hint}', code="bad_policy")
    for key in ("name", "kind"):
        if key not in table:
            raise WrongUse(f'a policy needs a "{key}"', code="bad_policy")
    return table


def _effect(policy: Mapping[str, Any]) -> str:
    return policy.get("effect", "allow") if policy.get("enabled", True) else "disabled"


def _who(policy: Mapping[str, Any]) -> str:
    names = [*policy.get("users", ()), *(f"group {name}" for name in policy.get("groups", ()))]
    return ", ".join(names) or "anybody"


def _what(policy: Mapping[str, Any]) -> str:
    """Return the other conditions, in a few words."""
    parts = [f"desktops {', '.join(policy['desktops'])}"] if policy.get("desktops") else []
    if when := policy.get("when"):
        parts.append(f"{', '.join(when['times'])} ({when['zone']})")
    for key, word in (("networks", "from"), ("methods", "by"), ("doors", "through")):
        if policy.get(key):
            parts.append(f"{word} {', '.join(policy[key])}")
    kept = [key.replace("_", " ") for key, may in (policy.get("redirections") or {}).items() if not may]
    if kept:
        parts.append(f"no {', '.join(kept)}")
    parts += [
        f"{key.replace('_minutes', '')} {value:g} min"
        for key, value in (policy.get("limits") or {}).items()
        if value
    ]
    return "; ".join(parts) or "anything"
