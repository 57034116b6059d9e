"""People at the seats of a shared machine: a real session host, and what each of its viewers shows."""

import base64
import time

from sessions.wire import link, tsg
from tests.reference.picture import Picture
from tests.sessions.host.process import Host

PATIENCE = 240
"""Seconds; a desktop in an emulated machine that others use as well takes its time."""
SCREEN = (1024, 700)
KEYS = {"a": (0x1E, 0x61), "Enter": (0x1C, 0xFF0D)}


class House:
    """A session host with shared desktops, and a gateway's link to it."""

    def __init__(self, folder, images, **spec):
        settings = {"accelerator": "tcg", "boot_seconds": PATIENCE, "cache": str(folder)}
        self.host = Host(folder, images=str(images), guests={"qemu-shared": settings})
        self.spec = {"kind": "qemu-shared", "template": "desktop", **spec}
        self.people = {}
        self.infos = {}
        self.load = {}
        self.connect()

    def connect(self):
        self.gateway = self.host.gateway()
        self.gateway.socket.settimeout(PATIENCE)
        hello = self.gateway.ask("hello", version=link.VERSION)["result"]
        self.infos.update({info["session"]: info for info in hello["sessions"]})

    @property
    def machines(self):
        return sorted((self.host.folder / "state/houses/qemu-shared").iterdir())

    def person(self, user, number):
        """Somebody who starts a session and looks at it."""
        person = self.people[number] = Person(self, user, f"{number:032x}", number)
        person.start()
        return person

    def ask(self, method, **params):
        answer = self.gateway.ask(method, **params)
        self.hear()
        assert "result" in answer, (method, answer)
        return answer["result"]

    def run(self, script):
        """Run a shell script as root in the machine of those who have a desktop; return what it prints."""
        self.until(lambda: any(person.has_desktop for person in self.people.values()), "there is a desktop")
        session = next(person.session for person in self.people.values() if person.has_desktop)
        command = ["/bin/sh", "-c", script]
        done = self.ask("run", session=session, command=command, input="", seconds=PATIENCE)
        return base64.b64decode(done["out"]).decode(errors="replace")

    def take(self):
        """Take one message of the session host."""
        message = self.gateway.next()
        self.hear()
        if message.kind is link.Kind.VIEWER and message.channel in self.people:
            self.people[message.channel].take(message.body)

    def hear(self):
        """Note what the session host has told by events."""
        for event in self.gateway.events:
            params = event["params"]
            if event["event"] == "session":
                self.infos[params["session"]] = params
            elif event["event"] == "load":
                self.load = params
            elif event["event"] == "detached" and params["viewer"] in self.people:
                self.people[params["viewer"]].farewell = params["reason"]
        self.gateway.events.clear()

    def until(self, test, what):
        """Take messages until the test is true."""
        deadline = time.monotonic() + PATIENCE
        while not test():
            assert time.monotonic() < deadline, f"{what}: {[str(each) for each in self.people.values()]}"
            self.take()

    def restart(self):
        """Kill the session host and start it again."""
        self.host.kill()
        self.gateway.socket.close()
        self.host.run()
        self.connect()
        for person in self.people.values():
            if not person.ended:
                person.picture = Picture()
                person.attach()

    def close(self):
        try:
            for person in self.people.values():
                if not person.ended:
                    person.end()
        finally:
            self.host.close()


class Person:
    """Somebody with a session. picture: what the viewer shows; farewell: why it was let go."""

    def __init__(self, house, user, session, viewer):
        self.house = house
        self.user = user
        self.session = session
        self.viewer = viewer
        self.picture = Picture()
        self.farewell = ""
        self.texts = []

    def __str__(self):
        shown = f"{self.picture.frames} frames of {self.picture.pixels.shape}"
        return f"{self.user}: {self.info.get('state')} {self.info.get('text')!r}, {shown}"

    def start(self):
        who = {"session": self.session, "desktop": "shared", "user": self.user, "title": "Shared"}
        size = dict(zip(("width", "height"), SCREEN, strict=True))
        self.house.ask("start", **who, **size, spec=self.house.spec)
        if not self.ended:
            self.attach()

    def attach(self):
        hello = tsg.ClientHello(1, b"t" * 32, "test", *SCREEN, (1, 2))
        encoded = base64.b64encode(hello.encode()).decode()
        self.house.ask("attach", session=self.session, viewer=self.viewer, hello=encoded)

    def take(self, body):
        got = self.picture.take(body)
        if isinstance(got, tsg.Frame):
            self.say(tsg.Ack(got.number, 0, 0))
        elif isinstance(got, tsg.State):
            self.texts.append(got.text)

    def say(self, message):
        self.house.gateway.say(message, self.viewer)

    def press(self, key):
        for down in (1, 0):
            self.say(tsg.Key(down, *KEYS[key]))

    def type(self, text):
        self.say(tsg.TypeText(text))

    def click(self, x, y):
        for buttons in (0, 1, 0):
            self.say(tsg.Pointer(x, y, buttons))

    def log_off(self):
        self.house.ask("log_off", session=self.session)

    def end(self):
        self.house.ask("end", session=self.session, reason="The test is over.")

    @property
    def info(self):
        return self.house.infos.get(self.session, {})

    @property
    def has_desktop(self):
        beginning_or_over = (None, tsg.SessionState.STARTING, tsg.SessionState.ENDED)
        return self.info.get("state") not in beginning_or_over

    @property
    def ended(self):
        return self.info.get("state") == tsg.SessionState.ENDED
