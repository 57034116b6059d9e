"""A session host's guests and what they share, without a session host."""

import json

from twisted.internet import reactor

from sessions.guests.base import Site
from sessions.guests.qemu.guest import QemuGuest
from sessions.guests.qemu.warm.store import WarmStore
from tests.sessions.guests.qemu.conftest import new_folder
from tests.sessions.guests.qemu.machine import Machine
from tests.sessions.guests.qemu.test_guest import until

BUILD_SECONDS = 300


class Host:
    """What a session host has: its guests, what they share, the image store and the folder of templates."""

    def __init__(self, folder, images, name="host", **settings):
        self.folder, self.images = folder, images
        self.settings = {"accelerator": "tcg", "warm_folder": str(folder / "warm"), **settings}
        self.house = QemuGuest.open_house(Site(folder / name, images, reactor, self.settings, lambda: None))
        self.machines = []

    @property
    def store(self):
        return WarmStore(self.folder / "warm")

    async def start(self, spec=None):
        return await self.machine(spec).start()

    def machine(self, spec=None):
        folder = new_folder(self.folder)
        made = Machine(folder, self.images, spec=spec, house=self.house, **self.settings)
        self.machines.append(made)
        return made

    async def built(self):
        """Wait until no template is being built."""
        await until(lambda: not self.house._builds, BUILD_SECONDS)

    async def warmed(self, spec=None):
        """Make a template, by starting a guest that boots."""
        first = await self.start(spec)
        assert template_of(first) == ""
        await self.built()
        await first.guest.stop()
        (made,) = self.store.list()
        return made

    async def leave(self):
        for machine in self.machines:
            await machine.guest.stop()
        await self.house.leave()


def template_of(machine):
    return json.loads((machine.folder / "guest.json").read_text())["template"]
