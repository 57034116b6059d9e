"""`tsadmin doctor`: whether the gateway can do its work, as far as it tells those who ask."""

from __future__ import annotations

import hashlib
import importlib.metadata
import ssl
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import click

from tsgateway.admin.certificates import expiry
from tsgateway.admin.command import Gateway, Said, command
from tsgateway.admin.errors import CANNOT, DONE, Failed
from tsgateway.admin.files import read_text
from tsgateway.admin.place import Near, local_certificate
from tsgateway.admin.text import DAY, clean, count
from tsgateway.client import ClientError, NoRight, NotThere, ServerAway

SOON = 14 * DAY
"""Seconds before a certificate's end that this is a problem."""


class Finding(NamedTuple):
    """What was found. what: the check's name; good: None where one may not know."""

    what: str
    good: bool | None
    text: str


@command(
    "doctor",
    examples=(
        ("tsadmin doctor", "what is wrong with the gateway, and its certificate's fingerprint"),
        ("tsadmin doctor --profile desk.example.org && echo fine", "of one elsewhere, in a script"),
    ),
)
def doctor(gateway: Gateway) -> Said:
    """Check the gateway: whether it answers and can serve people, its version, certificate, hosts and pools.

    The exit code is 1 if something is wrong. What the machine needs is checked there by `tsgateway doctor`.
    """
    found: list[Finding] = []
    for what, check in CHECKS.items():
        try:
            found += [Finding(what, good, text) for good, text in check(gateway)]
        except ServerAway:
            raise
        except NoRight:
            found.append(Finding(what, None, "you may not know"))
        except (ClientError, Failed) as error:
            found.append(Finding(what, False, str(error)))
    is_good = all(each.good is not False for each in found)
    lines = [f"{_mark(each.good)}  {each.what:<12}{clean(each.text)}" for each in found]
    return Said([each._asdict() for each in found], lines, status=DONE if is_good else CANNOT)


def _mark(good: bool | None) -> str:
    if good is None:
        return click.style(" –", dim=True)
    return click.style("ok", fg="green") if good else click.style("!!", fg="red", bold=True)


Told = Iterator[tuple[bool, str]]


def _answers(gateway: Gateway) -> Told:
    began = time.monotonic()
    gateway.client.health()
    where = gateway.place
    name = str(where.socket) if isinstance(where, Near) else where.server
    yield True, f"{name} answers within {(time.monotonic() - began) * 1000:.0f} ms"


def _ready(gateway: Gateway) -> Told:
    problems = gateway.client.problems()
    if not problems:
        yield True, "people can be served"
    for problem in problems:
        yield False, problem


def _version(gateway: Gateway) -> Told:
    theirs = str(gateway.client.describe()["info"]["version"])
    ours = importlib.metadata.version("tsgateway")
    yield theirs == ours, f"tsgateway {theirs}" + ("" if theirs == ours else f"; this is tsadmin {ours}")


def _known(gateway: Gateway) -> Told:
    user = gateway.client.who_am_i()["user"]
    if user is None:
        yield False, "the gateway does not know you; `tsadmin login` makes a token"
    else:
        roles = ", ".join(each["role"] for each in user["roles"]) or "no role"
        yield True, f"you are {user['name']} ({roles})"


def _certificate(gateway: Gateway) -> Told:
    where = gateway.place
    if isinstance(where, Near):
        pem = read_text(local_certificate(gateway.config), 1 << 20)
        try:
            digest = hashlib.sha256(
                ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END") + 25].strip())
            ).hexdigest()
        except ValueError:
            yield False, "it is not PEM"
            return
        yield True, f"SHA-256 {':'.join(digest[at : at + 2].upper() for at in range(0, 64, 2))}"
        return
    left = expiry(where) - time.time()
    if left < 0:
        yield False, "it has expired"
    else:
        yield left > SOON, f"it is good for {count(int(left // DAY), 'more day', 'more days')}"


def _hosts(gateway: Gateway) -> Told:
    told = gateway.client.list_hosts()
    away = [each for each in told["hosts"] if each["state"] not in ("up", "asleep")]
    running = sum(each["sessions"] for each in told["hosts"])
    if not away:
        yield True, f"{count(len(told['hosts']), 'session host')} with {count(running, 'session')}"
    for each in away:
        yield False, f"session host {each['host']} is {each['state']}: {each['reason']}"
    if told["mode"] != "enable":
        yield False, f"logons are set to {told['mode']}; `tsadmin logon --enable` ends that"


def _pools(gateway: Gateway) -> Told:
    found = gateway.client.list_pools()["desktops"]
    troubled = [each for each in found if each["trouble"]]
    if not troubled:
        yield True, f"{count(len(found), 'desktop')} published"
    for each in troubled:
        yield False, f"the pool of {each['desktop']}: {each['trouble']}"


def _images(gateway: Gateway) -> Told:
    told = gateway.client.list_images()
    if not told["broken"]:
        yield True, count(len(told["images"]), "image")
    for each in told["broken"]:
        yield False, each


def _audit(gateway: Gateway) -> Told:
    try:
        check = gateway.client.show_audit_check()
    except NotThere:
        yield True, "not checked since the gateway was started; `tsadmin audit verify` does"
        return
    yield check["state"] in ("good", "running"), f"the last check: {check['state']}"


CHECKS: dict[str, Callable[[Gateway], Told]] = {
    "gateway": _answers,
    "readiness": _ready,
    "version": _version,
    "you": _known,
    "certificate": _certificate,
    "hosts": _hosts,
    "desktops": _pools,
    "images": _images,
    "audit": _audit,
}
