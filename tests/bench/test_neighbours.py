"""The bench of neighbours measures what it says: a whole run that is short, and its sums."""

from collections import Counter

import pytest

from bench import neighbours
from bench.neighbours import KINDS, Block, result, run
from bench.scale_users import Measured
from sessions.wire.tsg import Encoding

USED = {"session host": 0.5, "gateway": 0.25, "others": 1.0, "passed": 2.0}


def test_figures_of_blocks_are_pooled_and_compared():
    blocks = [
        Block(Measured(keys=[(1.0, 0.010)] * 10), USED, Counter({Encoding.VIDEO: 60})),
        Block(Measured(keys=[(1.0, 0.030)] * 10), USED, Counter({Encoding.VIDEO: 30})),
    ]
    made = result("film", blocks, {"p50": 5.0, "p95": 6.0, "p99": 7.0})
    assert made["keys"] == 20
    assert made["slower_ms"] == {"p50": 15.0, "p95": 24.0, "p99": 23.0}
    assert made["blocks_p95_ms"] == [10.0, 30.0]
    assert made["block_p95_ms"] == 20.0
    assert made["cores"] == {"session host": 0.25, "gateway": 0.125, "others": 0.5}
    assert made["neighbour_operations_per_second"] == {"video": 22.5}


@pytest.mark.long
def test_a_short_run_has_each_neighbour_do_what_it_is_to_do():
    results = {each["neighbour"]: each for each in run(2.0, 2.0, 1)}
    assert results.keys() == KINDS.keys()
    seen = {name: each["neighbour_operations_per_second"] for name, each in results.items()}
    assert all(each["keys"] for each in results.values())
    assert not seen["alone"]
    assert seen["film, video"]["video"] > 0
    assert seen["film, JPEG"]["jpeg"] > 0
    assert "video" not in seen["film, JPEG"]
    assert seen["page"]["copy"] > 0
    assert seen["screens"]["history"] > 0
    assert all(neighbours.row(each).startswith(name) for name, each in results.items())
