"""Two people and a third in shared machines, with a real session host and the real desktop image.

The machine starts once for all tests of the module; each leaves ada and bob with a desktop.
"""

import os
import shlex
import signal
import time

import pytest

from sessions.guests.qemu.state import State
from sessions.wire import tsg
from tests.images_fixture import desktop_image
from tests.sessions.guests.qemu_shared.people import PATIENCE, SCREEN, House

pytestmark = [pytest.mark.qemu, pytest.mark.slow, pytest.mark.long]

PANEL = 0x1D222C  # images/desktop: tint2rc
PANEL_ROWS = 44
TERMINAL = 140
"""Where the terminal's button stands in the panel, pixels from the left."""
ADA, BOB = "Ada Lovelace", "bob"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(
        tmp_path_factory.mktemp("shared"), desktop_image().folder.parent, sessions_per_guest=2, machines=1
    )
    yield made
    made.close()
    for folder in made.machines:
        os.kill(State.read(folder / "guest").process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def people(house):
    """Ada and bob, who came at the same time: one machine was started for both.

    Their session host was killed while it did so; the next one went on with it.
    """
    both = house.person(ADA, 1), house.person(BOB, 2)
    for person in both:
        house.until(lambda person=person: "Starting the shared machine" in person.texts, "it is told")
    wait_for(lambda: any((folder / "guest/guest.json").exists() for folder in house.machines), "a machine")
    house.restart()
    for person in both:
        house.until(lambda person=person: stands(person), "the desktop stands")
    return both


@pytest.fixture(scope="module")
def agent(house, people):
    """What runs scripts as root in the machine."""
    return house


def stands(person):
    """Whether the panel stands at the lower edge."""
    pixels = person.picture.pixels & 0xFFFFFF
    if not pixels.size or pixels.shape[0] < 2 * PANEL_ROWS:
        return False
    near = pixels == PANEL
    return bool(near[-PANEL_ROWS:].mean() > 0.8 and near[: len(near) // 2].mean() < 0.2)


def is_like(person, seen):
    """Whether somebody sees that again; the clock may have gone on, and a text cursor blinks."""
    pixels = person.picture.pixels
    return pixels.shape == seen.shape and (pixels != seen)[:-PANEL_ROWS].mean() < 0.01


def settled(house, person):
    """What somebody sees once it has stayed so for a while: after a change of size much is drawn late."""
    while True:
        seen = person.picture.pixels.copy()
        end = time.monotonic() + 4
        house.until(lambda end=end: time.monotonic() > end, "some seconds pass")
        if is_like(person, seen):
            return seen


def account(agent, user):
    """The account of somebody, by the process that is his desktop."""
    seat = {ADA: 0, BOB: 1}[user]
    return agent.run(f"ps -o user:32= -p $(systemctl show -p MainPID --value tsgateway-seat-{seat})").strip()


def as_person(agent, name, script):
    """Run a script as one of the people, as if it were started from the desktop."""
    inside = f"nsenter --mount --target $(pgrep -o -u {name} -x openbox)"
    command = f"setpriv --reuid {name} --regid {name} --init-groups sh -c {shlex.quote(script)}"
    return agent.run(f"{inside} {command} 2>&1")


def wait_for(test, what):
    deadline = time.monotonic() + PATIENCE
    while not test():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def open_terminal(house, person, agent, name):
    """Open one that has the keyboard."""
    before = person.picture.pixels
    person.click(TERMINAL, len(before) - PANEL_ROWS // 2)
    house.until(lambda: (person.picture.pixels != before).mean() > 0.15, "the terminal is drawn")
    wait_for(lambda: agent.run(f"pgrep -u {name} -x bash"), "a shell")


def test_everybody_sees_a_desktop_of_the_size_that_was_asked_for(house, people):
    for person in people:
        assert person.picture.pixels.shape == SCREEN[::-1]
    assert len(house.machines) == 1


def test_both_have_accounts_with_names_that_linux_takes(people, agent):
    assert account(agent, ADA).startswith("adalovelace-")
    assert account(agent, BOB) == "bob"


def test_keys_and_text_go_to_the_right_desktop_and_only_there(house, people, agent):
    ada, bob = people
    before = ada.picture.pixels.copy()
    open_terminal(house, bob, agent, "bob")
    bob.type("echo it is é日本 > typed")
    bob.press("Enter")
    wait_for(lambda: agent.run("cat /home/bob/typed") == "it is é日本\n", "the text in bob's file")
    assert agent.run("pgrep -u $(stat -c %U /home/ada*) -x bash") == ""
    # The clock in the panel may have gone on.
    changed = (ada.picture.pixels != before)[:-PANEL_ROWS]
    assert not changed.any()


def test_the_screen_follows_the_viewer(house, people, agent):
    ada = people[0]
    for width, height in ((1400, 900), SCREEN):
        ada.say(tsg.RequestSize(width, height))
        house.until(
            lambda size=(height, width): ada.picture.pixels.shape == size and stands(ada), "the new size"
        )


def test_nobody_gets_at_anothers_home_processes_or_screen(people, agent):
    name = account(agent, ADA)
    uid = agent.run(f"id -u {name}").strip()
    assert as_person(agent, "bob", "id -un").strip() == "bob"
    assert "Permission denied" in as_person(agent, "bob", f"ls /home/{name}")
    assert "Permission denied" in as_person(agent, "bob", f"ls /run/user/{uid}/tsgateway-seat")
    connect = f"socket.socket(socket.AF_UNIX).connect('/run/user/{uid}/tsgateway-seat/rfb')"
    python = f"python3 -c {shlex.quote('import socket; ' + connect)}"
    assert "PermissionError" in as_person(agent, "bob", python)
    assert "Authorization required" in as_person(agent, "bob", "DISPLAY=:100 xprop -root")
    assert "Permission denied" in as_person(agent, "bob", "cat /dev/virtio-ports/org.tsgateway.seat.0")
    assert "Permission denied" in as_person(agent, "bob", "echo > /dev/virtio-ports/org.tsgateway.seats")
    users = set(as_person(agent, "bob", "ps axo user:32=").split())
    assert users == {"bob"}
    manager = "nsenter --mount --target $(pgrep -o -u bob -f systemd.--user)"
    seen = agent.run(f"{manager} setpriv --reuid bob --regid bob --init-groups ps axo user:32=").split()
    assert set(seen) == {"bob"}


def test_each_has_the_processes_of_their_own_and_ends_no_others(house, people, agent):
    ada, bob = people
    name = account(agent, ADA)
    pids = {}
    for who, user in ((ada, name), (bob, "bob")):
        agent.run(f"setpriv --reuid={user} --clear-groups setsid sleep 4321 >/dev/null 2>&1 &")
        wait_for(lambda user=user: agent.run(f"pgrep -u {user} -x sleep"), "a program")
        pids[who] = int(agent.run(f"pgrep -u {user} -x sleep"))
        listed = house.ask("processes", session=who.session)["processes"]
        assert {each["user"] for each in listed} == {user}
        assert pids[who] in {each["pid"] for each in listed}
    for pid in (pids[bob], 1):
        refused = house.gateway.ask("kill", session=ada.session, pid=pid, by="ruth")
        assert "There is no process" in refused["error"]
    assert house.ask("kill", session=ada.session, pid=pids[ada], by="ruth") == {"forced": False}
    assert agent.run("pgrep -x sleep").split() == [str(pids[bob])]
    house.ask("kill", session=bob.session, pid=pids[bob], by="ruth")


def test_a_link_to_anothers_screen_is_not_followed(house, people, agent):
    """What joins sockets to ports may open any of them, and the path to a seat's is the person's own."""
    bob, before = people[1], [settled(house, person) for person in people]
    name = account(agent, ADA)
    uids = [agent.run(f"id -u {each}").strip() for each in (name, "bob")]
    ada_socket, bob_socket = (f"/run/user/{uid}/tsgateway-seat/rfb" for uid in uids)
    agent.run(f"mv {bob_socket} {bob_socket}.kept; ln -s {ada_socket} {bob_socket}")
    try:
        house.ask("detach", viewer=bob.viewer)
        said = agent.run("journalctl -b -u tsgateway-seats -o cat | grep -c else.s")
        house.gateway.socket.settimeout(PATIENCE)
        house.restart()
        wait_for(
            lambda: agent.run("journalctl -b -u tsgateway-seats -o cat | grep -c else.s") > said,
            "it is refused",
        )
    finally:
        agent.run(f"rm {bob_socket}; mv {bob_socket}.kept {bob_socket}")
    house.until(lambda: all(map(is_like, people, before)), "both see their desktops again")


def test_people_share_the_processor_and_nobody_takes_all_the_memory(people, agent):
    for name in (account(agent, ADA), "bob"):
        slice = f"/sys/fs/cgroup/user.slice/user-$(id -u {name}).slice"
        assert agent.run(f"cat {slice}/cpu.weight").strip() == "100"
        most = int(agent.run(f"cat {slice}/memory.max"))
        assert 0 < most < 1024 * int(agent.run("sed -n 's/MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo"))
        inside = agent.run(f"cat /proc/$(pgrep -o -u {name} -x Xvnc)/cgroup")
        assert f"/user.slice/user-{agent.run(f'id -u {name}').strip()}.slice/" in inside


def test_who_comes_when_all_seats_are_taken_is_told_so(house, people):
    carol = house.person("carol", 3)
    house.until(lambda: carol.ended, "carol is turned away")
    assert (
        carol.info["text"] == "All 2 seats of this desktop are taken. Try again when somebody has logged off."
    )
    assert not any(person.ended for person in people)


def test_free_seats_are_told_to_the_gateway(house, people):
    house.until(lambda: house.load.get("seats") == {"shared": 0}, "no free seat")


def test_a_killed_session_host_finds_both_again(house, people, agent):
    pid = State.read(house.machines[0] / "guest").process.pid
    before = [settled(house, person) for person in people]
    house.restart()
    for person, seen in zip(people, before, strict=True):
        house.until(lambda person=person, seen=seen: is_like(person, seen), "the desktop is there again")
    assert State.read(house.machines[0] / "guest").process.pid == pid
    ada = people[0]
    name = account(agent, ADA)
    open_terminal(house, ada, agent, name)
    ada.type("echo still here > typed")
    ada.press("Enter")
    wait_for(lambda: agent.run(f"cat /home/{name}/typed") == "still here\n", "ada's keys arrive")


def test_when_the_program_that_joins_screens_to_ports_dies_the_screens_come_back(house, people, agent):
    agent.run("systemctl kill --signal=KILL tsgateway-seats")
    wait_for(
        lambda: agent.run("systemctl is-active tsgateway-seats").strip() == "active", "it is there again"
    )
    for person, size in zip(people, ((1300, 800), (1200, 900)), strict=True):
        person.say(tsg.RequestSize(*size))
        house.until(
            lambda person=person, size=size: person.picture.pixels.shape == size[::-1], "a new screen"
        )


def test_who_logs_off_from_the_menu_leaves_nothing_running_and_the_other_stays(house, people, agent):
    ada, bob = people
    name = account(agent, ADA)
    as_person(agent, name, "setsid sleep 1000 >/dev/null 2>&1 &")
    uid = agent.run(f"id -u {name}").strip()
    wait_for(lambda: agent.run(f"pgrep -u {name} -x sleep"), "something that would go on")
    folder = f"/run/user/{uid}/tsgateway-seat"
    environment = f"DISPLAY=:100 XAUTHORITY={folder}/Xauthority TSGATEWAY_SEAT={folder}"
    agent.run(
        f"setpriv --reuid {name} --regid {name} --init-groups env {environment} /usr/lib/tsgateway/leave"
    )
    house.until(lambda: ada.ended, "ada's session ends")
    assert ada.info["text"] == "You have logged off."
    assert agent.run(f"pgrep -u {name}") == ""
    house.until(lambda: house.load.get("seats") == {"shared": 1}, "a free seat")
    assert not bob.ended
    bob.type("echo undisturbed > typed")
    bob.press("Enter")
    wait_for(lambda: agent.run("cat /home/bob/typed") == "undisturbed\n", "bob goes on")


def test_who_comes_back_finds_the_home_as_it_was(house, people, agent):
    again = house.person(ADA, 4)
    house.until(lambda: stands(again), "ada is back")
    assert "Signing you in" in again.texts
    assert "Starting the shared machine" not in again.texts
    assert account(agent, ADA).startswith("adalovelace-")
    assert agent.run("cat /home/ada*/typed") == "still here\n"


def test_who_is_logged_off_leaves_nothing_running_and_frees_the_seat(house, people, agent):
    again = house.people[4]
    name = account(agent, ADA)
    open_terminal(house, again, agent, name)
    again.log_off()
    house.until(lambda: again.ended, "the session is over at once")
    house.until(lambda: house.load.get("seats") == {"shared": 1}, "a free seat")
    assert agent.run(f"pgrep -u {name}") == ""


def test_a_machine_that_dies_takes_its_people_with_it_and_leaves_nothing(house, people):
    bob = people[1]
    (folder,) = house.machines
    os.kill(State.read(folder / "guest").process.pid, signal.SIGKILL)
    house.until(lambda: bob.ended and bob.farewell, "bob is told")
    assert "has ended" in bob.farewell
    assert bob.info["text"] == bob.farewell
    wait_for(lambda: not house.machines, "the machine's folder is gone")
    house.until(lambda: house.load.get("seats") == {}, "no seats")
