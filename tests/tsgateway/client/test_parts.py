"""Keys by their names, texts, PNG files, and when to try again."""

import pytest

from sessions.wire import tsg
from sessions.wire.tsg import CloseCode
from tsgateway.client.viewer.keys import pressed, typed
from tsgateway.client.viewer.retry import DELAYS, FINAL, Retry


def test_key_combinations() -> None:
    control, alt, delete = 0xFFE3, 0xFFE9, 0xFFFF
    assert [(key.down, key.keysym) for key in pressed("Ctrl+Alt+Delete")] == [
        (1, control), (1, alt), (1, delete), (0, delete), (0, alt), (0, control),
    ]  # fmt: skip
    assert [key.keysym for key in pressed("F12")] == [0xFFC9] * 2
    assert [key.keysym for key in pressed("é")] == [0xE9] * 2
    for nothing in ("Ctrl+", "Hyper", "", "\x03"):
        with pytest.raises(ValueError, match="no key is called"):
            pressed(nothing)


def test_a_text_is_keys_and_where_no_key_says_it_text() -> None:
    said = list(typed("a\r\nß日b", takes_text=True))
    assert [key.keysym for key in said if isinstance(key, tsg.Key) and key.down] == [0x61, 0xFF0D, 0x62]
    assert said[4:5] == [tsg.TypeText("ß日")]
    keys = [key.keysym for key in typed("ß日\x01", takes_text=False)]
    assert keys == [0xDF, 0xDF, 0x010065E5, 0x010065E5]
    long = list(typed("日🙂" * 3000, takes_text=True))
    assert "".join(message.text for message in long) == "日🙂" * 3000
    assert all(message.encode() for message in long)


def test_attempts_come_at_growing_distances_until_somebody_is_to_be_asked() -> None:
    retry = Retry(lambda: 0.5)
    assert [retry.delay(None, 60) for _ in range(len(DELAYS) + 1)] == pytest.approx([*DELAYS, DELAYS[-1]])
    retry.connected()
    assert retry.delay(CloseCode.TIMEOUT, 0) == pytest.approx(DELAYS[0])
    assert [retry.delay(code, 60) for code in FINAL] == [None] * len(FINAL)
    assert retry.delay(CloseCode.IN_USE, 3) is not None  # it is this viewer's own connection, not yet noticed
    assert retry.delay(CloseCode.PROTOCOL, 60) is not None
    retry.settled()
    assert retry.delay(CloseCode.LIMIT, 60) is not None
    assert retry.delay(CloseCode.UNKNOWN, 60) is None
    low, high = Retry(lambda: 0.0), Retry(lambda: 1.0)
    assert (low.delay(None, 60), high.delay(None, 60)) == pytest.approx((0.8 * DELAYS[0], 1.2 * DELAYS[0]))
