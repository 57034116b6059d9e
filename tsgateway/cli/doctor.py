"""`tsgateway doctor`: is everything there that the gateway needs, and if not, what to do?"""

from __future__ import annotations

import datetime
import getpass
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from tsgateway.cli.options import spelled, with_config
from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.hosts.asking import running_hosts
from tsgateway.hosts.link import HostError
from tsgateway.layout import DataLock, Layout

MIN_QEMU = (7, 2)
FREE_DISK = 4 * 1024**3
KVM = Path("/dev/kvm")
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


class Finding(NamedTuple):
    """level: ok, warn (works, but) or fail (does not work)."""

    level: str
    what: str
    text: str


Check = Callable[[Config, Layout], Iterator[Finding]]


@click.command()
@with_config
def doctor(config: Config) -> None:
    """Check what the gateway needs; the exit status is 1 when something does not work."""
    layout = Layout.of(config)
    failed = 0
    for check in CHECKS:
        for level, what, text in check(config, layout):
            failed += level == "fail"
            click.echo(f"{click.style(f'{level:<4}', fg=_COLOURS[level])}  {what:<12} {text}")
    click.echo(f"\nTo be mended: {failed}." if failed else "\nNothing stands in the way.")
    raise SystemExit(1 if failed else 0)


def _data(config: Config, layout: Layout) -> Iterator[Finding]:
    try:
        layout.prepare()
    except StartError as error:
        yield Finding("fail", "data", str(error))
        return
    free = shutil.disk_usage(layout.root).free
    if free < FREE_DISK:
        text = (
            f"{layout.root}: only {free / 1e9:.1f} GB free; guests and images want {FREE_DISK / 1e9:.0f} GB"
        )
        yield Finding("warn", "data", text)
    else:
        yield Finding("ok", "data", f"{layout.root}, {free / 1e9:.0f} GB free")


def _database(config: Config, layout: Layout) -> Iterator[Finding]:
    from tsgateway.store import open_store

    if config.data.database is None and not layout.database.exists():
        yield Finding("warn", "database", f"not made yet; {spelled('init')} makes it")
        return
    try:
        store = open_store(config.data, layout.database)
    except (StartError, OSError) as error:
        yield Finding("fail", "database", str(error))
        return
    users = len(store.all_users())
    if store.has_administrator():
        yield Finding("ok", "database", f"{users} account{'s' * (users != 1)}")
    else:
        yield Finding("warn", "database", f"no administrator yet; {spelled('init')} makes one")
    store.close()


def _certificate(config: Config, layout: Layout) -> Iterator[Finding]:
    from tsgateway.certificates import load_identity

    now = datetime.datetime.now(datetime.UTC)
    own = config.server.certificate is None
    try:
        identity = load_identity(config, layout, now)
    except StartError as error:
        yield Finding("fail", "certificate", str(error))
        return
    until = identity.chain[0].not_valid_after_utc
    if until <= now:
        text = f"{config.server.certificate} expired on {until:%Y-%m-%d}; renew it"
        yield Finding("fail", "certificate", text)
    else:
        kind = "self-signed: browsers warn about it; fine for trying out" if own else "yours"
        yield Finding("ok", "certificate", f"{kind}; valid until {until:%Y-%m-%d}")


def _port(config: Config, layout: Layout) -> Iterator[Finding]:
    server = config.server
    family = socket.AF_INET6 if ":" in server.listen else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.listen, server.port))
        except OSError as error:
            if _gateway_runs(layout):
                yield Finding("ok", "port", f"{server.listen} port {server.port}: the gateway is running")
                return
            why = os.strerror(error.errno or 0)
            text = f"{server.listen} port {server.port}: {why}; choose another with [server] port"
            yield Finding("fail", "port", text)
            return
    yield Finding("ok", "port", f"{server.listen} port {server.port} is free")


def _gateway_runs(layout: Layout) -> bool:
    try:
        DataLock(layout).release()
    except (StartError, OSError):
        return True
    return False


def _web_client(config: Config, layout: Layout) -> Iterator[Finding]:
    from tsgateway.service import web_client_folder

    try:
        folder = web_client_folder()
    except StartError as error:
        yield Finding("fail", "web client", str(error))
        return
    if list((folder / "node_modules" / "zstddec").glob("dist/*")):
        yield Finding("ok", "web client", str(folder))
    else:
        text = f"its one npm package is missing: run `npm ci --omit=dev` in {folder} (Debian package: npm)"
        yield Finding("fail", "web client", text)


def _qemu(config: Config, layout: Layout) -> Iterator[Finding]:
    if not any(desktop.kind == "qemu" for desktop in config.desktops.values()):
        yield Finding("ok", "QEMU", "no desktop needs it")
        return
    program = shutil.which(config.guests.qemu.qemu)
    if program is None:
        text = f"{config.guests.qemu.qemu} is not installed: apt-get install qemu-system-x86 qemu-system-gui"
        yield Finding("fail", "QEMU", text)
        return
    version = _output(program, "--version")
    found = re.search(r"version (\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < MIN_QEMU:
        yield Finding(
            "fail", "QEMU", f"{program}: version {found[0] if found else '?'}; 7.2 or later is needed"
        )
        return
    if "dbus" not in _output(program, "-display", "help").split():
        text = f"{program} has no D-Bus display: apt-get install qemu-system-modules-spice qemu-system-gui"
        yield Finding("fail", "QEMU", text)
        return
    yield Finding("ok", "QEMU", f"{program}, {found[0]}, with D-Bus display")
    yield from _accelerator(config)
    yield _caps(layout)


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _accelerator(config: Config) -> Iterator[Finding]:
    settings = config.guests.qemu
    if settings.accelerator == "tcg":
        yield Finding("warn", "accelerator", "emulation, as configured: desktops start slowly")
    elif not (problem := _no_kvm(settings.qemu)):
        yield Finding("ok", "accelerator", "KVM runs a test machine")
    elif settings.accelerator == "kvm":
        yield Finding("fail", "accelerator", f"KVM is configured and does not work: {problem}")
    else:
        yield Finding("warn", "accelerator", f"emulation, desktops start slowly; no KVM: {problem}")


def _caps(layout: Layout) -> Finding:
    from sessions.guests.qemu.cgroup import problem

    try:
        why = problem(next((str(host.pid) for host in running_hosts(layout)), "self"))
    except HostError as error:
        return Finding("warn", "caps", f"not known whether guests can be capped: {error}")
    if why:
        return Finding("warn", "caps", f"guests may take all processor time and memory there is: {why}")
    return Finding("ok", "caps", "each guest can be held to its share of processor and memory")


def _no_kvm(qemu: str) -> str:
    """Why KVM cannot be used; empty when it can."""
    from sessions.guests.qemu.accelerator import boot_sector_runs

    if KVM.exists() and not os.access(KVM, os.R_OK | os.W_OK):
        user = getpass.getuser()
        return f"{user} may not use {KVM}; run `sudo usermod -aG kvm {user}`, then sign in anew"
    return boot_sector_runs(qemu, "kvm")


def _hosts(config: Config, layout: Layout) -> Iterator[Finding]:
    from tsgateway.hosts.place import remains, runs

    count = config.hosts.count
    running, sessions = 0, 0
    for number in layout.hosts():
        folder = layout.host(number)
        running += (up := runs(folder))
        sessions += (left := remains(folder))
        if number >= count and left:
            text = f"host {number} is no longer configured; its sessions ({left}) go on until they are ended"
            yield Finding("warn", "hosts", text)
        if left and not up and _gateway_runs(layout):
            text = f"host {number} has sessions ({left}) and does not run; see {folder / 'host.log'}"
            yield Finding("fail", "hosts", text)
    yield Finding(
        "ok", "hosts", f"up to {count} share the sessions; running: {running}, sessions: {sessions}"
    )


def _images(config: Config, layout: Layout) -> Iterator[Finding]:
    from sessions.images.errors import ImageError
    from sessions.images.store import ImageStore

    store = ImageStore(layout.images)
    for name, desktop in config.desktops.items():
        template = (desktop.model_extra or {}).get("template")
        if desktop.kind != "qemu" or not isinstance(template, str):
            continue
        try:
            image = store.get(template)
        except ImageError as error:
            yield Finding("fail", "image", f"desktop {name}: {error}")
        else:
            yield Finding("ok", "image", f"desktop {name}: {template}, {image.size / 1e6:.0f} MB")


def _disks(config: Config, layout: Layout) -> Iterator[Finding]:
    from sessions.guests.qemu.personal import kept_disks

    disks = list(kept_disks(layout.disks))
    for disk in disks:
        if disk.problem:
            text = f"the disk of {disk.user} for {disk.desktop} cannot be used: {disk.problem}"
            yield Finding("warn", "disks", text)
    if disks:
        size = sum(disk.bytes for disk in disks)
        yield Finding("ok", "disks", f"{len(disks)} kept for people, {size / 1e9:.1f} GB")


def _plugins(config: Config, layout: Layout) -> Iterator[Finding]:
    from sessions.plugins import installed

    kinds = {desktop.kind for desktop in config.desktops.values()}
    for plugin in installed():
        if plugin.kind == "guest":
            kinds.discard(plugin.name)
        if plugin.error:
            yield Finding("fail", "plug-in", plugin.error)
    for kind in sorted(kinds):
        text = f'no guest plug-in is named "{kind}"; {spelled("plugins")} lists those that are installed'
        yield Finding("fail", "plug-in", text)


def _videos(config: Config, layout: Layout) -> Iterator[Finding]:
    from sessions.encoders.video import PREFERENCE
    from sessions.plugins import PluginError, load

    found, lacks = [], ""
    for name in PREFERENCE:
        try:
            lacks = load("video", name).missing()
        except PluginError:
            continue  # said already
        if not lacks:
            found.append(load("video", name).codec.name)
    if found:
        yield Finding("ok", "videos", ", ".join(found))
    elif lacks:
        yield Finding("warn", "videos", f"films go as photographs, at ten times the bytes: {lacks}")


def _desktops(config: Config, layout: Layout) -> Iterator[Finding]:
    """Let each kind check its own keys, as it will when a session starts."""
    from tsgateway.hosts.place import guest_settings

    settings = guest_settings(config, layout)
    for name, desktop in config.desktops.items():
        if not desktop.users and not desktop.groups:
            yield Finding("warn", "desktop", f"{name} names no user and no group: nobody sees it")
        if desktop.password_file is not None and not os.access(desktop.password_file, os.R_OK):
            yield Finding("fail", "desktop", f"{name}: {desktop.password_file} cannot be read")
        if problem := _problem(name, desktop.spec, settings, layout):
            yield Finding("fail", "desktop", f"{name}: {problem}")


def _problem(desktop: str, spec: dict[str, Any], settings: dict[str, dict[str, Any]], layout: Layout) -> str:
    from sessions.guests.base import GuestError, Place
    from sessions.plugins import PluginError, load

    kind = spec["kind"]
    nowhere, somebody = Path("/nonexistent"), "somebody"
    place = Place(
        nowhere, layout.images, lambda _: None, None, settings.get(kind, {}), user=somebody, desktop=desktop
    )
    try:
        load("guest", kind)(spec, place)
    except PluginError:
        return ""  # said already
    except GuestError as error:
        return str(error)
    return ""


CHECKS: tuple[Check, ...] = (
    _data,
    _database,
    _certificate,
    _port,
    _web_client,
    _hosts,
    _qemu,
    _images,
    _disks,
    _plugins,
    _videos,
    _desktops,
)
