"""`python -m bench.store`: what a page of the list of sessions costs, with 10,000 of them in the store.

For SQLite and, where Debian's package is installed, PostgreSQL: the first page and the last one, of all and
of one person, and noting a batch of changes. The best of several runs: other programs disturb upwards only.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import Server
from tsgateway.config.models import DataSection
from tsgateway.store import Cursor, Ran, Store, open_store

PEOPLE, DESKTOPS = 200, 10
PAGE = 100
RUNS = 20
BATCH = 500


def sessions(count: int) -> list[Ran]:
    """Sessions of a month; every twentieth still runs."""
    chance = random.Random(1)
    rows = []
    for number in range(count):
        began = 1.9e9 + chance.random() * 30 * 86_400
        ended = None if number % 20 == 0 else began + chance.random() * 36_000
        state = "active" if ended is None else "ended"
        who = f"person{chance.randrange(PEOPLE)}", f"desktop{chance.randrange(DESKTOPS)}"
        where, reason = (str(number % 4), "192.0.2.1"), "" if ended is None else "You have logged off."
        name = f"{chance.getrandbits(128):032x}"
        rows.append(Ran(name, *who, *where, state, began, ended or began, ended, reason))
    return rows


@contextmanager
def stores() -> Iterator[list[tuple[str, Store]]]:
    """An empty store of each kind that there can be here."""
    with tempfile.TemporaryDirectory(prefix="tsg-") as folder:
        found = [("SQLite", open_store(DataSection(), Path(folder) / "db"))]
        server = None
        try:
            server = Server().start()
            found.append(("PostgreSQL", open_store(DataSection(database=server.database()), Path(folder))))
        except FileNotFoundError as error:
            print(error)
        try:
            yield found
        finally:
            for _, store in found:
                store.close()
            if server is not None:
                server.remove()


def best(call: Callable[[], object]) -> float:
    """Return what `call` takes at best, milliseconds."""
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


def last_cursor(store: Store) -> Cursor | None:
    """Go through all pages; return what the one before the last ended with."""
    after, before = None, None
    for _ in itertools.count():
        page = store.history.page(after=after, limit=PAGE)
        if page.after is None:
            break
        before, after = after, page.after
    return before


def measure(store: Store, rows: list[Ran]) -> tuple[float, ...]:
    """Return the table's figures, milliseconds."""
    history = store.history
    history.note(rows)
    last = last_cursor(store)
    return (
        best(lambda: history.page(limit=PAGE)),
        best(lambda: history.page(limit=PAGE, after=last)),
        best(lambda: history.page(limit=PAGE, user="person7")),
        best(lambda: last_cursor(store)),
        best(lambda: history.note(rows[:BATCH])),
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description="What a page of the list of sessions costs.")
    options.add_argument("--sessions", type=int, default=10_000)
    count = options.parse_args().sessions
    rows = sessions(count)
    print(f"{count} sessions, {PAGE} on a page, milliseconds (best of {RUNS})\n")
    print(f"{'':<12}{'first page':>12}{'last page':>12}{'of one':>12}{'all pages':>12}{f'note {BATCH}':>12}")
    with stores() as found:
        for name, store in found:
            print(f"{name:<12}" + "".join(f"{each:>12.1f}" for each in measure(store, rows)))


if __name__ == "__main__":
    main()
