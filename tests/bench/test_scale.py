"""The bench of scale measures what it says: users, desktops, and a whole run that is short."""

import itertools
import struct

import pytest

from bench import scale_users
from bench.scale import run
from bench.scale_desktops import CELL, LINE, TILE, Layout, Scene
from sessions.wire.tsg import Encoding, Frame, Operation

SCREENS = [Layout(1280, 800), Layout(1920, 1080)]
HOUR = 3600


def test_habits_are_those_that_are_documented():
    keys = turns = 0
    for user in range(20):
        passed, gaps = 0.0, []
        for pause, what in scale_users.habits(user):
            passed += pause
            if passed > HOUR:
                break
            keys, turns = keys + (what == "key"), turns + (what == "wheel")
            gaps.append(pause)
        assert max(gaps) <= 10
    assert 1.5 < keys / (20 * HOUR) < 1.7
    assert 0.25 < turns / (20 * HOUR) < 0.35


def test_a_user_is_the_same_every_time_and_no_two_are():
    first = [list(itertools.islice(scale_users.habits(user), 50)) for user in range(30)]
    again = [list(itertools.islice(scale_users.habits(user), 50)) for user in range(30)]
    assert first == again
    assert len({each[0] for each in first}) == 30
    assert {what for each in first for _, what in each[:1]} == {"key", "wheel"}  # at any point of the mix


@pytest.mark.parametrize("layout", SCREENS)
def test_no_tile_is_of_page_and_editor(layout):
    page, editor = layout.page, layout.editor
    assert page.x + page.width <= editor.x // TILE * TILE
    assert editor.x + editor.width <= layout.width
    assert max(page.y + page.height, editor.y + editor.height) <= layout.height


@pytest.mark.parametrize("layout", SCREENS)
def test_letters_stay_in_the_editor_and_each_has_a_place_of_its_own_for_long(layout):
    places = [layout.caret(key) for key in range(2000)]
    box = layout.editor
    assert all(box.has(x, y) and box.has(x + 2 * CELL - 1, y + LINE - 1) for x, y in places)
    assert len(set(places[:500])) == 500


def test_a_frame_is_known_by_its_operations():
    operations = (
        Operation(Encoding.HISTORY, 64, 16, 64, 16),
        Operation(Encoding.COPY, 0, 100, 9, 9, bytes(4)),
    )
    message = Frame(7, 1, operations, b"x" * 50).encode()
    assert list(scale_users.rectangles(message)) == [(64, 16, 64, 16), (0, 100, 9, 9)]
    assert scale_users.covers(message, 127, 31)
    assert not scale_users.covers(message, 128, 31)
    assert scale_users.covers(message, 8, 108)


def test_a_key_paints_where_the_layout_says():
    layout = SCREENS[0]
    scene = Scene(layout)
    for key in (0, 1, 40, 41, 500):
        *blank, letter = scene.key(key)
        assert struct.unpack(">HHHHi", letter[:12]) == (*layout.caret(key), 2 * CELL, LINE, 0)
        assert len(set(letter[12:])) > 1, "a letter is seen"
        assert bool(blank) == (layout.caret(key)[0] == layout.editor.x)


@pytest.mark.long
def test_a_short_run_answers_every_key(capsys):
    results = run((1280, 800), (2, 4), 4, 1, None)
    assert [each["sessions"] for each in results] == [2, 4]
    for result in results:
        assert result["unanswered"] == 0
        if result["keys"]:  # on a busy machine the first step may be over before anybody has typed
            assert result["key_to_frame_ms"]["p50"] > result["key_to_desktop_ms"]["p50"] > 0
        assert result["product_ms_per_session_second"] > 0
    assert results[1]["keys"] > 4
    assert {"gateway", "session host", "users", "desktops", "others"} <= results[1]["cores"].keys()
    assert len(capsys.readouterr().out.splitlines()) > 3
