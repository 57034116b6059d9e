"""What is slow, in words: pure."""

from __future__ import annotations

import pytest

from tsgateway.admin import latency


def times(p50: float, share: float | None = None, p95: float | None = None) -> dict:
    p95 = p95 or 2 * p50
    return {"p50": p50, "p95": p95, "p99": p95, "count": 9, "share": share}


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ({}, "Nothing was shown in the last minute."),
        (
            {"wait": times(0.005), "encode": times(0.001), "line": times(0.04)},
            "Nobody has typed or clicked in the last minute. Of a picture's time most is the line: 40.0 ms.",
        ),
        (
            {"guest": times(0.4, 0.8), "line": times(0.1, 0.2), "total": times(0.5)},
            "The guest takes 80 % of the time.",
        ),
        (
            {"guest": times(0.01, 0.25), "line": times(0.03, 0.75), "total": times(0.04)},
            "Nothing is slow: 95 of 100 inputs are seen within 80.0 ms; the line takes 75 % of the time.",
        ),
        (
            {"client": times(3, 1.0), "total": times(3), "unheard": times(9, 5.0)},
            "The viewer's computer takes 100 % of the time.",
        ),
    ],
)
def test_what_is_slow_is_said_in_words(stages, sentence):
    assert latency.verdict(stages) == sentence


def test_the_table_has_the_stages_in_order_with_their_bars():
    stages = {"line": times(0.0401, 0.75), "guest": times(1.5, 0.25), "total": times(1.6, None, 2.5)}
    lines = latency.table(stages)
    assert [line.split()[0] for line in lines] == ["stage", "guest", "line", "total"]
    assert "1,500 ms" in lines[1]
    assert lines[2].endswith("75 % " + "█" * 15)
    assert len({line.index("ms") for line in lines[1:]}) == 1
