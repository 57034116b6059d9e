"""`tsadmin host` and `logon`: session hosts, their weights, and whom they take on."""

from __future__ import annotations

import click

from tsgateway.admin.command import Command, Gateway, Group, Said, command
from tsgateway.admin.errors import WrongUse
from tsgateway.admin.names import DESKTOP, HOST
from tsgateway.admin.text import table
from tsgateway.drain import MAX_WEIGHT, MIN_WEIGHT

ALL = "all"
MODES = {
    "enable": "takes everybody on",
    "disable": "takes nobody on, not even those whose session runs there",
    "drain": "starts no new sessions; people may come back to those that run",
    "drain-until-restart": "starts no new sessions until it is started anew",
}


def list_hosts(name: str) -> Command:
    """Make the command that lists hosts, for each group it is in."""

    def listed(gateway: Gateway, desktop: str | None) -> Said:
        """List the session hosts, the one that gets the next session first.

        WHY tells what its points are made of; docs/broker.md explains them.
        """
        told = gateway.client.list_hosts(desktop=desktop or "")
        rows = [
            (
                each["host"], each["state"], each["mode"], each["weight"], each["sessions"],
                f"{each['points']:g}", each["reason"],
            )
            for each in told["hosts"]
        ]  # fmt: skip
        lines = table("HOST|STATE|MODE|>WEIGHT|>SESSIONS|>POINTS|WHY", rows)
        if told["mode"] != "enable":
            lines += ["", f"The whole gateway {MODES.get(told['mode'], told['mode'])}."]
        return Said(told, lines, head=True)

    option = click.option(
        "--desktop", type=DESKTOP, help="For a session of this desktop: which hosts have guests ready."
    )
    words = "tsadmin query host" if name == "host" else "tsadmin host list"
    return command(
        name,
        examples=(
            (words, "all hosts"),
            (f"{words} --desktop desktop1", "where the next session of desktop1 goes, and why"),
        ),
    )(option(listed))


@command("weight", examples=(("tsadmin host weight 1 50", "host 1 gets half of what one with 100 gets"),))
@click.argument("name", metavar="HOST", type=HOST)
@click.argument("weight", type=click.IntRange(MIN_WEIGHT, MAX_WEIGHT))
def weight(gateway: Gateway, name: str, weight: int) -> Said:
    """Set the weight of a host: its share of the sessions, relative to the others' (100 unless set)."""
    gateway.client.set_host(name, weight=weight)
    told = {"host": name, "weight": weight}
    return Said(told, [f"Host {name} has the weight {weight} from the next session on."])


@command(
    "logon",
    examples=(
        ("tsadmin logon --query", "whom the gateway and its hosts take on"),
        ("tsadmin logon --drain", "before maintenance: no new sessions, people may come back"),
        ("tsadmin logon --disable --host 1", "nobody gets to host 1 any more"),
        ("tsadmin logon --enable", "everybody again"),
    ),
)
@click.option("--query", "mode", flag_value="query", help="Say how it stands. Also without any option.")
@click.option("--enable", "mode", flag_value="enable", help="Take everybody on.")
@click.option("--disable", "mode", flag_value="disable", help="Take nobody on; who is connected stays so.")
@click.option("--drain", "mode", flag_value="drain", help="Start no new sessions; people may come back.")
@click.option(
    "--drain-until-restart", "mode", flag_value="drain-until-restart",
    help="The same, until the gateway, or that host, is started anew.",
)  # fmt: skip
@click.option(
    "--host", "name", type=HOST, default=ALL, help="Only this session host; else the whole gateway."
)
def logon(gateway: Gateway, mode: str | None, name: str) -> Said:
    """Say whether new sessions may begin, as `change logon` does on Windows."""
    if mode in (None, "query"):
        return _standing(gateway, name)
    gateway.client.set_host(name, mode=mode)
    who = "The gateway" if name == ALL else f"Host {name}"
    lines = [f"{who} {MODES[str(mode)]}, from now on."]
    whole = gateway.client.list_hosts()["mode"] if name != ALL else "enable"
    if whole != "enable":
        lines.append(f"The whole gateway is set to {whole}, though; `tsadmin logon --enable` ends that.")
    return Said({"host": name, "mode": mode}, lines)


def _standing(gateway: Gateway, name: str) -> Said:
    told = gateway.client.list_hosts()
    hosts = [each for each in told["hosts"] if name in (ALL, str(each["host"]))]
    if not hosts and name != ALL:
        known = ", ".join(str(each["host"]) for each in told["hosts"])
        raise WrongUse(f"no host {name}; there are {known}, and {ALL}", code="no_such_host")
    whole = {"host": ALL, "mode": told["mode"]}
    shown = [whole, *({"host": str(each["host"]), "mode": each["mode"]} for each in hosts)]
    lines = [f"The gateway {MODES.get(told['mode'], told['mode'])}."]
    lines += [
        f"Host {each['host']} {MODES.get(each['mode'], each['mode'])}."
        for each in hosts
        if each["mode"] != "enable" or name != ALL
    ]
    return Said(shown, lines)


host = Group("host", list_hosts("list"), weight, help="List session hosts and weigh them.")
