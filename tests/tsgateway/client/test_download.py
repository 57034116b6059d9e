"""A file that comes piece by piece, from a server that says what it should, and from others."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tsgateway.client import Client, ClientError, ServerAway

DATA = bytes(range(256)) * 4000


class Server:
    """Answers each request on a socket of its own by the next of its answers, whatever is asked."""

    def __init__(self, path: Path) -> None:
        self.answers: list[bytes] = []
        self.heard: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line, line.makefile("rb") as reader:
                while self._answer(line, reader.readline):
                    pass

    def _answer(self, line: socket.socket, readline: Callable[[], bytes]) -> bool:
        heard = b""
        while (read := readline()) not in (b"\r\n", b""):
            heard += read
        if not heard or not self.answers:
            return False
        self.heard.append(heard.decode())
        answer = self.answers.pop(0)
        try:
            line.sendall(answer)
        except OSError:
            return False  # nobody wants it any more
        return not answer.endswith(b"!")  # which stands for a line that is cut


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "s")
    yield made
    made.stop()


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Iterator[Client]:
    with Client.local(tmp_path / "s", patience=5) as made:
        yield made


def answer(status: int, data: bytes, *lines: str, length: int | None = None) -> bytes:
    head = [f"HTTP/1.1 {status} Such", f"Content-Length: {len(data) if length is None else length}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + data


def test_all_of_it_and_then_something_else_on_the_same_line(server: Server, client: Client) -> None:
    for data in (DATA, b""):
        server.answers = [answer(200, data, 'ETag: "1-2"'), answer(200, b'{"desktops": []}')]
        coming = client.download("s/1", "a b/c.bin")
        assert (coming.first, coming.size, coming.tag) == (0, len(data), '"1-2"')
        assert b"".join(iter(coming.read, b"")) == data
        assert client.list_desktops() == {"desktops": []}
    assert server.heard[0].startswith("GET /api/v1/sessions/s%2F1/files/content?path=a+b%2Fc.bin HTTP/1.1")
    assert "Range" not in server.heard[0]


def test_the_rest_of_it(server: Server, client: Client) -> None:
    server.answers = [
        answer(206, DATA[1000:], 'ETag: "1-2"', f"Content-Range: bytes 1000-{len(DATA) - 1}/{len(DATA)}")
    ]
    coming = client.download("s", "c", first=1000, tag='"1-2"')
    assert (coming.first, coming.size) == (1000, len(DATA))
    assert b"".join(iter(coming.read, b"")) == DATA[1000:]
    assert 'Range: bytes=1000-\r\nIf-Range: "1-2"\r\n' in server.heard[0]


def test_another_file_comes_from_its_beginning(server: Server, client: Client) -> None:
    server.answers = [answer(200, DATA, 'ETag: "9-9"')]
    coming = client.download("s", "c", first=1000, tag='"1-2"')
    assert (coming.first, coming.size, coming.tag) == (0, len(DATA), '"9-9"')


def test_a_line_that_is_cut(server: Server, client: Client) -> None:
    server.answers = [answer(200, DATA + b"!", length=2 * len(DATA)), answer(200, DATA)]
    coming = client.download("s", "c")
    with pytest.raises(ServerAway):
        b"".join(iter(coming.read, b""))
    assert coming.first == len(DATA) + 1
    assert client.download("s", "c").read()  # over a new one


def test_who_reads_no_more_hangs_up(server: Server, client: Client) -> None:
    server.answers = [answer(200, DATA), answer(200, b'{"desktops": []}')]
    with client.download("s", "c") as coming:
        coming.read()
    assert client.list_desktops() == {"desktops": []}


@pytest.mark.parametrize(
    "lie",
    [
        answer(206, b"abc", "Content-Range: bytes 0-2/3"),
        answer(206, b"abc", "Content-Range: bytes 1000-1002/2000"),
        answer(206, b"abc"),
        answer(204, b""),
        b"HTTP/1.1 200 Such\r\n\r\nabc!",
        b"HTTP/1.1 200 Such\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"rubbish\r\n\r\n!",
    ],
    ids=["another part", "not the rest", "which part", "nothing", "how much", "in chunks", "rubbish"],
)
def test_an_answer_that_makes_no_sense(server: Server, client: Client, lie: bytes) -> None:
    server.answers = [lie]
    with pytest.raises(ServerAway):
        client.download("s", "c", first=1000, tag='"1"')


def test_no_such_part(server: Server, client: Client) -> None:
    told = b'{"error": {"code": "range", "message": "The file has no such part."}}'
    server.answers = [answer(416, told)]
    with pytest.raises(ClientError, match="no such part") as caught:
        client.download("s", "c", first=1000)
    assert caught.value.status == 416
