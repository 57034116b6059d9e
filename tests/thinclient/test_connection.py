"""Connection files: what is read, what is written, and the sentence for each mistake."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinclient import connection, kept
from thinclient.connection import KEYBOARDS, MAX_FILE, SCALES, Connection, WrongFile, read, written
from thinclient.kept import Pins
from thinclient.monitors import chosen, numbered, parsed_monitors
from tsgateway.client.viewer import carrier

PIN = "0123456789abcdef" * 4
FULL = Connection(
    "https://desk.example.org:8443/",
    "work",
    "ruth",
    PIN,
    "/etc/ca.pem",
    "1280x800",
    "actual",
    "text",
    "websocket",
    browser=True,
    full_screen=True,
    kiosk=True,
    monitors="1,3",
)

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    st.builds(
        Connection,
        address=st.sampled_from(["", "https://a", "https://desk.example.org:8443/", "https://[::1]:1/"]),
        desktop=plain, name=plain, ca_file=plain, fingerprint=st.sampled_from(["", PIN]),
        size=st.sampled_from(["", "1x1", "1920×1080"]), scale=st.sampled_from(SCALES),
        keyboard=st.sampled_from(KEYBOARDS), full_screen=st.booleans(), kiosk=st.booleans(),
        monitors=st.just("all") | st.sets(st.integers(1, 99)).map(numbered),
    )
)  # fmt: skip
def test_what_was_written_is_read(connection: Connection) -> None:
    assert read(written(connection).encode(), "a.tsc") == connection


def test_carriers_are_those_of_the_library() -> None:
    assert connection.CARRIERS == carrier.CARRIERS


def test_a_whole_file() -> None:
    assert read(written(FULL).encode(), "a.tsc") == FULL
    assert written(Connection("https://a/")) == 'address = "https://a/"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "a"\nadress = "b"\n', "a.tsc, line 2: nothing is called “adress”; there are address,"),
        ('\n\nname = "ruth\n', "a.tsc, line 3: it is not written as TOML"),
        ("full_screen = \n", "a.tsc, line 1: it is not written as TOML"),
        ('full_screen = "yes"', "a.tsc, line 1: “full_screen” has to be true or false."),
        ('# x\nsize = 12\n', "a.tsc, line 2: “size” has to be a text in quotes."),
        ('size = "12"', "a.tsc, line 1: “12” is no size like 1280x800."),
        ('size = "0x5"', "is no size like"),
        ('carrier = "pigeon"', "“carrier” is one of auto, tls, websocket, not “pigeon”."),
        ('scale = "big"', "a.tsc, line 1: “scale” is one of fit, actual, not “big”."),
        ('address = "http://a"', "is not an address like https://"),
        ('address = "https://a@b/"', "is not an address like https://"),
        ('fingerprint = "ab"', "64 digits"),
        ('monitors = "some"', "a.tsc, line 1: “monitors” has to be “all” or numbers like [1, 2]."),
        ("monitors = [0]", "“monitors” has to be"),
        ("monitors = [true]", "“monitors” has to be"),
        ("monitors = []", "“monitors” has to be"),
        ('name = "ruth"\npassword = "hunter2"\n', "a.tsc, line 2: a connection file holds no secrets"),
        ("[window]\nsize = 1\n", "a.tsc, line 1: nothing is called “window”"),
        ("x" * (MAX_FILE + 1), "is larger than a connection file can be"),
    ],
)  # fmt: skip
def test_a_wrong_file(text: str, said: str) -> None:
    with pytest.raises(WrongFile) as raised:
        read(text.encode(), "a.tsc")
    assert said in str(raised.value)
    assert "hunter2" not in str(raised.value)


@given(
    st.binary(max_size=300) | st.text(string.printable, max_size=300).map(str.encode),
    st.sampled_from([".tsc", ".rdp"]),
)
def test_anything_is_a_connection_or_a_sentence(data: bytes, ending: str) -> None:
    try:
        found: Connection | str = read(data, "file" + ending)
    except WrongFile as error:
        found = str(error)
    assert isinstance(found, Connection) or found.startswith("file")


RDP = """full address:s:desk.example.org:3389
username:s:EXAMPLE\\ruth
screen mode id:i:2
desktopwidth:i:1280
desktopheight:i:800
smart sizing:i:0
password 51:b:01000000D08C9DDF
redirectclipboard:i:1
"""


def test_an_rdp_file() -> None:
    expected = Connection("https://desk.example.org/", "", "ruth", scale="actual", full_screen=True)
    assert read(RDP.encode(), "a.rdp") == expected
    assert read(RDP.replace("\n", "\r\n").encode("utf-16"), "A.RDP") == expected
    window = read(RDP.replace("id:i:2", "id:i:1").encode(), "a.rdp")
    assert (window.full_screen, window.size) == (False, "1280x800")
    both = read(f"{RDP}use multimon:i:1\nselectedmonitors:s:0,2\n".encode(), "a.rdp")
    assert (expected.monitors, both.monitors) == ("", "1,3")
    assert read(f"{RDP}span monitors:i:1\n".encode(), "a.rdp").monitors == "all"
    behind = read(f"{RDP}gatewayhostname:s:gate.example.org:8443\n".encode(), "a.rdp")
    assert (behind.address, behind.desktop) == ("https://gate.example.org:8443/", "desk.example.org")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("username:s:ruth\n", "a.rdp: it names no computer"),
        ("full address:s:a\nhello\n", "a.rdp, line 2: it is not of the form name:type:value."),
        ("full address:s:a\ndesktopwidth:i:many\n", "a.rdp, line 2: “desktopwidth” has to be a number."),
        ("full address:s:a b\n", "is not an address like"),
    ],
)
def test_a_wrong_rdp_file(text: str, said: str) -> None:
    with pytest.raises(WrongFile) as raised:
        read(text.encode(), "a.rdp")
    assert said in str(raised.value)


def test_saved_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSCLIENT_FOLDER", str(tmp_path / "own"))
    assert kept.saved() == []
    path = kept.save("My/desk: 1", FULL)
    assert path == tmp_path / "own/connections/My_desk_ 1.tsc"
    (path.parent / "bad.tsc").write_text("x")
    (name, found), (bad, error) = sorted(kept.saved(), key=lambda each: each[0] == "bad")
    assert (name, found, bad) == ("My_desk_ 1", FULL, "bad")
    assert isinstance(error, WrongFile)
    kept.remove(name)
    assert [each for each, _ in kept.saved()] == ["bad"]
    with pytest.raises(WrongFile, match="No such file"):
        kept.load(path)


def test_trusted_certificates(tmp_path: Path) -> None:
    pins = Pins(tmp_path / "own/known")
    assert pins.of("Desk", 443) == ""
    assert not pins.forget("desk", 443)
    pins.trust("Desk", 443, PIN)
    pins.trust("other", 8443, "f" * 64)
    assert pins.path.read_text() == f"desk:443 {PIN}\nother:8443 {'f' * 64}\n"
    assert (pins.of("DESK", 443), pins.of("desk", 8443)) == (PIN, "")
    assert pins.forget("desk", 443)
    assert (pins.of("desk", 443), pins.of("other", 8443)) == ("", "f" * 64)
    assert [path.name for path in pins.path.parent.iterdir()] == ["known"]
    pins.path.write_text(f"other:8443 {'f' * 64}\nrubbish\n")
    for ask in (
        lambda: pins.of("other", 8443),
        lambda: pins.trust("a", 1, PIN),
        lambda: pins.forget("other", 8443),
    ):
        with pytest.raises(WrongFile, match="line 2"):
            ask()
    assert "rubbish" in pins.path.read_text()


def test_which_monitors() -> None:
    assert parsed_monitors("ALL") == "all"
    assert parsed_monitors("3, 1,3") == "1,3"
    for wrong in ("0", "1;2", "both", "1,", "100"):
        with pytest.raises(ValueError, match="neither “all” nor numbers"):
            parsed_monitors(wrong)
    assert (chosen("", 3), chosen("all", 2), chosen("1,3,4", 3)) == ([], [0, 1], [0, 2])
