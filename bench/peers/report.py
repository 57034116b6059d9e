"""What the peers' bench found, as a table for the terminal and as a page of its own (HTML, plots in SVG)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from bench.peers.product import NAME as PRODUCT

Result = dict[str, Any]
_ENOUGH = 0.9  # of the frames must have been seen for a peer to count as the best
_PAGE = Path(__file__).with_name("report.html")
_MEASURES = (
    ("bytes_per_frame", "bytes"),
    ("cpu_ms_per_frame", "processor time"),
    ("latency_p95_ms", "latency"),
)


def ratios(result: Result, product: Result | None) -> dict[str, float | None]:
    """Return, for each measure, how many times the product's a result is; None where one is unknown or 0."""
    found: dict[str, float | None] = {}
    for key, _ in _MEASURES:
        ours, theirs = (product or {}).get(key), result.get(key)
        found[key] = theirs / ours if ours and theirs is not None else None
    return found


def product_of(results: Sequence[Result], like: Result) -> Result | None:
    """Return the product's result on the same trace: in the lossless mode if that is asked of it."""
    same = [each for each in results if each["peer"] == PRODUCT and each["trace"] == like["trace"]]
    return next((each for each in same if each["lossless"] == like["lossless"]), None)


def times(ratio: float | None) -> str:
    """Return a ratio in words: "3.2 ×"."""
    if ratio is None:
        return "–"
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:.0f} ×"


def quality(result: Result) -> str:
    """Return what became of the pictures: exact, or how near in dB; moving and at rest."""
    if "undecodable" in result:
        return "not decoded"
    if not result["shown"]:
        moving = "no frame seen"
    elif result["exact"] == result["shown"]:
        moving = "exact"
    else:
        moving = "exact" if result["psnr_db"] is None else f"{result['psnr_db']:.1f} dB"
    rest = "exact" if result["final_exact"] else f"{result['final_psnr_db']:.1f} dB"
    return moving if moving == rest else f"{moving}, at rest {rest}"


def milliseconds(value: float | None) -> str:
    """Return a time, or a dash."""
    return "–" if value is None else f"{value:,.1f}"


def table(results: Sequence[Result]) -> str:
    """Return the results for a terminal, in brackets how many times the product's they are."""
    lines: list[str] = []
    for trace in dict.fromkeys(each["trace"] for each in results):
        lines += [
            "",
            f"{trace}",
            f"  {'':<22}{'kB/frame':>18}{'CPU ms/frame':>20}{'latency p50 / p95 / p99 ms':>38}"
            f"{'seen':>9}  quality",
        ]
        for result in (each for each in results if each["trace"] == trace):
            factor = ratios(result, product_of(results, result))
            bracket = {key: f"({times(value)})" for key, value in factor.items()}
            latency = " / ".join(milliseconds(result.get(f"latency_p{p}_ms")) for p in (50, 95, 99))
            lines.append(
                f"  {result['peer'] + ' ' + result['mode']:<22}"
                f"{result['bytes_per_frame'] / 1000:>9.1f} {bracket['bytes_per_frame']:<8}"
                f"{result['cpu_ms_per_frame']:>11.1f} {bracket['cpu_ms_per_frame']:<8}"
                f"{latency:>29} {bracket['latency_p95_ms']:<8}"
                f"{result.get('shown', 0):>4}/{result['frames']:<4}  {quality(result)}"
            )
    return "\n".join(lines[1:])


def page(report: dict[str, Any]) -> str:
    """Return the whole report as a page that needs nothing else."""
    results: list[Result] = report["results"]
    sections = [
        _section(trace, [each for each in results if each["trace"] == trace], report["fps"])
        for trace in dict.fromkeys(each["trace"] for each in results)
    ]
    peers = "".join(
        f"<li><b>{escape(each['name'])}</b> {escape(each['version'])}<br>{escape(each['note'])}"
        + "".join(f"<br><i>{escape(name)}</i>: {escape(asked)}" for name, asked in each["modes"].items())
        + "</li>"
        for each in report["peers"]
    )
    skipped = "".join(
        f"<li><b>{escape(each['name'])}</b><br>{escape(each['reason'])}</li>" for each in report["skipped"]
    )
    return Template(_PAGE.read_text()).substitute(
        facts=escape(f"{report['date']} · {report['machine']} · {report['fps']:g} frames/s · 1920×1080"),
        headlines=_headlines(results),
        sections="".join(sections),
        peers=peers,
        skipped=f"<h3>Not measured</h3><ul class=notes>{skipped}</ul>" if skipped else "",
    )


def best_ratio(results: Sequence[Result], key: str) -> float | None:
    """Return the best peer's measure, in any mode, divided by the product's usual one.

    Only of peers that showed nearly all frames: who leaves out work is cheap. Over several traces the
    geometric mean; None if nothing is known.
    """
    logarithms = []
    for ours in (each for each in results if each["peer"] == PRODUCT and not each["lossless"]):
        peers = [
            each[key] / ours[key]
            for each in results
            if each["peer"] != PRODUCT
            and each["trace"] == ours["trace"]
            and each.get(key)
            and ours.get(key)
            and each.get("shown", 0) >= _ENOUGH * each["frames"]
        ]
        if peers:
            logarithms.append(math.log(min(peers)))
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else None


def _headlines(results: Sequence[Result]) -> str:
    texts = {
        "bytes_per_frame": "as many bytes from the best peer",
        "cpu_ms_per_frame": "as much processor time at the best peer",
        "latency_p95_ms": "as long until a frame is shown (p95) by the best peer",
    }
    cards = []
    for key, text in texts.items():
        ratio = best_ratio(results, key)
        if ratio is not None:
            cards.append(f"<div class=card><div class=big>{times(ratio)}</div><div>{text}</div></div>")
    return "".join(cards)


def _section(trace: str, results: Sequence[Result], fps: float) -> str:
    frames = results[0]["frames"]
    plots = (
        _bars("Bytes a frame", results, "bytes_per_frame", _bytes)
        + _bars("Processor time a frame", results, "cpu_ms_per_frame", lambda value: f"{value:.1f} ms")
        + _ranges("Until shown", results)
    )
    rows = "".join(_row(result, results) for result in results)
    return (
        f"<section><h2>{escape(trace)}<small>{frames} frames, {fps:g} a second</small></h2>"
        f"<div class=plots>{plots}</div><div class=scroll><table><thead><tr><th>peer<th>mode<th>kB/frame<th>"
        "<th>CPU ms/frame<th><th>p50 ms<th>p95 ms<th>p99 ms<th><th>frames seen<th>quality</thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _row(result: Result, results: Sequence[Result]) -> str:
    factor = ratios(result, product_of(results, result))
    chips = {key: f"<td class=ratio>{times(value)}" for key, value in factor.items()}
    latency = [f"<td>{milliseconds(result.get(f'latency_p{p}_ms'))}" for p in (50, 95, 99)]
    return (
        f"<tr class={_kind(result)}><th>{escape(result['peer'])}<td class=word>{escape(result['mode'])}"
        f"<td>{result['bytes_per_frame'] / 1000:,.1f}{chips['bytes_per_frame']}"
        f"<td>{result['cpu_ms_per_frame']:,.1f}{chips['cpu_ms_per_frame']}"
        f"{''.join(latency)}{chips['latency_p95_ms']}"
        f"<td>{result.get('shown', '–')} of {result['frames']}<td class=word>{quality(result)}"
    )


def _kind(result: Result) -> str:
    return "ours" if result["peer"] == PRODUCT else "peer"


def _bytes(value: float) -> str:
    return f"{value / 1e6:.2f} MB" if value >= 1e6 else f"{value / 1000:.1f} kB"


_ROW, _LABEL, _WIDTH, _END = 24, 150, 460, 84  # of a plot, in its own units


def _plot(title: str, results: Sequence[Result], marks: Iterable[str]) -> str:
    height = _ROW * len(results)
    labels = "".join(
        f'<text class="label {_kind(each)}" x="{_LABEL - 10}" y="{_ROW * row + 16}">'
        f"{escape(each['peer'])}<tspan class=mode> {escape(each['mode'])}</tspan></text>"
        for row, each in enumerate(results)
    )
    return (
        f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{title}">{labels}{"".join(marks)}</svg></figure>'
    )


def _bars(title: str, results: Sequence[Result], key: str, text: Callable[[float], str]) -> str:
    most = max((each[key] for each in results), default=0) or 1
    room = _WIDTH - _LABEL - _END

    def mark(row: int, result: Result) -> str:
        length, y = max(2.0, room * result[key] / most), _ROW * row
        look = f"bar {_kind(result)}" + ("" if result["lossless"] else " full")
        return (
            f'<rect class="{look}" x="{_LABEL}" y="{y + 4}" width="{length:.1f}" height="16" rx="4"/>'
            f'<text class="value" x="{_LABEL + length + 7:.1f}" y="{y + 16}">{text(result[key])}</text>'
        )

    return _plot(title, results, (mark(row, result) for row, result in enumerate(results)))


def _ranges(title: str, results: Sequence[Result]) -> str:
    known = [each["latency_p99_ms"] for each in results if each.get("latency_p99_ms") is not None]
    scale = (_WIDTH - _LABEL - _END) / (max(known, default=0) or 1)

    def mark(row: int, result: Result) -> str:
        y = _ROW * row + 12
        values = [result.get(f"latency_p{p}_ms") for p in (50, 95, 99)]
        if None in values:
            return f'<text class="value" x="{_LABEL}" y="{y + 4}">not known</text>'
        p50, p95, p99 = (_LABEL + scale * float(value or 0) for value in values)
        kind = _kind(result)
        return (
            f'<line class="range {kind}" x1="{p50:.1f}" x2="{p99:.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="dot {kind}" cx="{p50:.1f}" cy="{y}" r="5"/>'
            f'<line class="tick {kind}" x1="{p95:.1f}" x2="{p95:.1f}" y1="{y - 6}" y2="{y + 6}"/>'
            f'<text class="value" x="{p99 + 9:.1f}" y="{y + 4}">{values[1]:.0f} ms</text>'
        )

    marks = (mark(row, result) for row, result in enumerate(results))
    return _plot(f"{title}: p50, p95, p99", results, marks)
