"""Sound in pieces: all of it, at its time, without silence, never more than time has passed."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.sound.cutting import FRAMES, PIECE_BYTES, TRAIL, Cutter, is_silent
from tests.sessions.sound.tones import silence, tone

RATE = 48000


def cut(cutter, data, start, step=0.01):
    """Feed it as a guest does that plays in time; return the pieces."""
    size = round(4 * RATE * step)
    pieces = []
    for number, at in enumerate(range(0, len(data), size)):
        pieces += cutter.cut(data[at : at + size], start + (number + 1) * step)
    return pieces


def test_all_of_it_comes_out_in_order():
    data = tone(440, 1)
    pieces = cut(Cutter(), data, 10)
    assert b"".join(piece.pcm for piece in pieces) == data
    assert [piece.begins for piece in pieces] == [True] + [False] * 99
    assert abs(pieces[0].at - 10 * RATE) <= FRAMES
    assert [piece.at - pieces[0].at for piece in pieces] == [FRAMES * number for number in range(100)]


def test_silence_is_left_out_but_short_pauses_are_not():
    data = tone(440, 0.5) + silence(0.1) + tone(440, 0.5) + silence(5) + tone(880, 0.5)
    pieces = cut(Cutter(), data, 10)
    assert len(pieces) == 50 + 10 + 50 + TRAIL + 50
    begun = [piece for piece in pieces if piece.begins]
    assert [round((piece.at - pieces[0].at) / RATE, 2) for piece in begun] == [0, 6.1]


def test_what_was_silent_from_the_beginning_is_not_sound():
    assert cut(Cutter(), silence(1), 10) == []


def test_after_a_pause_in_which_nothing_came_the_time_is_right_and_no_rest_is_left():
    cutter = Cutter()
    cut(cutter, tone(440, 0.055), 10)
    pieces = cut(cutter, tone(880, 0.1), 60)
    assert pieces[0].pcm == tone(880, 0.1)[:PIECE_BYTES]
    assert pieces[0].begins
    assert abs(pieces[0].at - 60 * RATE) <= FRAMES


def test_a_guest_that_plays_too_fast_loses_what_is_too_much():
    cutter = Cutter()
    pieces = [piece for _ in range(100) for piece in cutter.cut(tone(440, 1), 5.0)]
    assert 0.5 <= len(pieces) * FRAMES / RATE <= 0.6
    later = [piece for _ in range(10) for piece in cutter.cut(tone(440, 1), 5.3)]
    assert later[0].begins
    assert len(later) * FRAMES / RATE <= 0.35


def test_a_guest_whose_clock_is_slow_is_put_right_now_and_then():
    cutter, now, pieces = Cutter(), 10.0, []
    for _ in range(100):
        now += 0.0205
        pieces += [(now, piece) for piece in cutter.cut(tone(440, 0.02), now)]
    assert all(abs(piece.at / RATE - when) < 0.6 for when, piece in pieces)


@given(st.lists(st.tuples(st.binary(max_size=9000), st.floats(0, 0.4)), max_size=20))
def test_chance_neither_breaks_it_nor_makes_time_go_back(given):
    cutter, now, last = Cutter(), 1.0, -1
    for data, passed in given:
        now += passed
        for piece in cutter.cut(data, now):
            assert len(piece.pcm) == PIECE_BYTES
            assert piece.at > last or piece.begins
            last = piece.at


def test_what_rounding_leaves_of_silence_is_silent():
    assert is_silent(b"\x02\x00\xfe\xff" * FRAMES)
    assert not is_silent(b"\x00\x00\xfd\xff" + bytes(PIECE_BYTES - 4))
