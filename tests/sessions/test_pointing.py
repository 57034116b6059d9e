"""Pictures of the pointer: little is sent of those that come too fast."""

from twisted.internet.task import Clock

from sessions.line import Line
from sessions.pointing import PointerPacer
from sessions.wire import tsg


def test_a_pointer_that_changes_all_the_time_takes_little_and_its_last_look_arrives() -> None:
    clock, sent = Clock(), []
    pointer = PointerPacer(sent.append, Line(), clock)
    large = [tsg.Cursor(256, 256, 0, 0, bytes([shade]) * 4 * 256 * 256).encode() for shade in range(200)]
    for message in large:
        pointer.show(message)
        clock.advance(0.005)
    assert sent[0] == large[0]
    assert len(sent) <= 25, "a second's worth"
    clock.advance(1)
    assert sent[-1] == large[-1]
    assert not clock.getDelayedCalls()


def test_a_viewer_that_leaves_is_sent_no_pointer() -> None:
    clock, sent = Clock(), []
    pointer = PointerPacer(sent.append, Line(), clock)
    for _ in range(2):
        pointer.show(tsg.Cursor(0, 0, 0, 0, b"").encode())
    sent.clear()
    pointer.close()
    clock.advance(1)
    assert sent == []
    assert not clock.getDelayedCalls()


def test_a_line_that_had_stalled_does_not_hold_the_pointer_up_for_long() -> None:
    clock, line, sent = Clock(), Line(), []
    line.sent(1, 100, 0.0)
    line.acknowledged(1, 0.02, 0.0)
    line.sent(2, 20_000, 1.0)
    line.acknowledged(2, 6.0, 0.0)
    assert line.rate is not None
    pointer = PointerPacer(sent.append, line, clock)
    pointer.show(bytes(64 * 64 * 4))
    pointer.show(b"hand")
    clock.advance(1)
    assert sent[-1] == b"hand"
