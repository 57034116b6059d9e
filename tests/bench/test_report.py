"""The report says what was measured, escapes what it is told, and compares like with like."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from bench.peers import report

VOID = {"meta", "br", "th", "td", "tr", "li"}  # never closed, or closed by what follows


def result(peer: str, trace: str = "office", lossless: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "peer": peer, "mode": "lossless" if lossless else "usual", "lossless": lossless, "trace": trace,
        "frames": 10, "bytes_per_frame": 2000, "cpu_ms_per_frame": 4.0, "shown": 10, "exact": 10,
        "latency_p50_ms": 5.0, "latency_p95_ms": 10.0, "latency_p99_ms": 12.0, "psnr_db": None,
        "final_psnr_db": None, "final_exact": True,
    } | more  # fmt: skip


def whole(*results: dict[str, Any]) -> dict[str, Any]:
    return {
        "date": "today", "machine": "x86_64 & more", "fps": 15.0, "results": list(results),
        "peers": [{"name": "Xvnc", "version": "1.2", "note": "<b>notes", "modes": {"usual": "quality 8"}}],
        "skipped": [{"name": "guacd", "reason": "guacd is not installed; package: guacd"}],
    }  # fmt: skip


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.bars: list[float] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "rect":
            self.bars.append(float(dict(attributes)["width"] or 0))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_well_formed() -> None:
    ours, theirs = result("tsgateway"), result("Xvnc", trace="office", bytes_per_frame=8000)
    text = report.page(whole(ours, theirs, result("a<b>", undecodable="no", shown=0)))
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    assert parser.bars[:2] == [pytest.approx(parser.bars[1] / 4, abs=0.1), parser.bars[1]]
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    for shown in (
        "a&lt;b&gt;",
        "&lt;b&gt;notes",
        "x86_64 &amp; more",
        "guacd is not installed",
        "quality 8",
        "4.00 ×",
    ):
        assert shown in text
    assert "$" not in text


def test_lossless_is_compared_with_lossless() -> None:
    results = [
        result("tsgateway", bytes_per_frame=1000),
        result("tsgateway", lossless=True, bytes_per_frame=4000),
        theirs := result("Xvnc", lossless=True, bytes_per_frame=8000),
        elsewhere := result("Xvnc", trace="video"),
    ]
    assert report.ratios(theirs, report.product_of(results, theirs))["bytes_per_frame"] == 2
    assert report.product_of(results, elsewhere) is None
    assert report.ratios(elsewhere, None)["bytes_per_frame"] is None


def test_the_best_peer_is_one_that_shows_the_frames() -> None:
    results = [
        result("tsgateway", bytes_per_frame=1000),
        result("lazy", bytes_per_frame=10, shown=5),
        result("Xvnc", bytes_per_frame=4000),
        result("QEMU", bytes_per_frame=9000),
        result("tsgateway", trace="b", bytes_per_frame=1000),
        result("Xvnc", trace="b", bytes_per_frame=16000),
    ]
    assert report.best_ratio(results, "bytes_per_frame") == pytest.approx(8)
    assert report.best_ratio(results[:1], "bytes_per_frame") is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "exact"),
        ({"exact": 3, "psnr_db": 41.26}, "41.3 dB, at rest exact"),
        ({"exact": 0, "psnr_db": 40.0, "final_exact": False, "final_psnr_db": 40.0}, "40.0 dB"),
        (
            {"shown": 0, "exact": 0, "final_exact": False, "final_psnr_db": 12.0},
            "no frame seen, at rest 12.0 dB",
        ),
        ({"undecodable": "a filter"}, "not decoded"),
    ],
)
def test_quality(more: dict[str, Any], said: str) -> None:
    assert report.quality(result("Xvnc", **more)) == said


def test_the_table_has_a_line_each() -> None:
    text = report.table(
        [result("tsgateway"), result("Xvnc", cpu_ms_per_frame=10.0), result("Xvnc", trace="video")]
    )
    lines = text.splitlines()
    assert lines[0] == "office"
    assert "2.50 ×" in lines[3]
    assert lines[5] == "video"
    assert "(–)" in lines[7]
