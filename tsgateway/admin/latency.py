"""Where a session's time goes, as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsgateway.admin.text import amount, clean, count

Json = Mapping[str, Any]

STAGES = {
    "input": "until the guest is handed the input",
    "guest": "until the guest's screen changes",
    "wait": "until that may be sent",
    "encode": "encoding",
    "send": "handing on to the gateway",
    "line": "the way to the viewer and back",
    "client": "decoding and showing",
}
CULPRITS = {
    "input": "input that waits for its turn",
    "guest": "the guest",
    "wait": "waiting for earlier pictures",
    "encode": "encoding",
    "send": "the session host",
    "line": "the line",
    "client": "the viewer's computer",
}
SWIFT = 0.1
"""What takes no longer than this, seconds, nobody calls slow."""

_BAR = 20
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def table(stages: Json) -> list[str]:
    """Return the stages as lines: name, what it is, p50, p95, p99, share and a bar of it."""
    if not stages:
        return ["  nothing was shown in the last minute"]
    lines = [f"  {'stage':<8}{'':<38}{'p50':>11}{'p95':>11}{'p99':>11}  share"]
    for name, meaning in STAGES.items():
        if name in stages:
            lines.append(_row(name, meaning, stages[name]))
    if "total" in stages:
        lines.append(_row("total", "from the input to its picture", stages["total"]))
    return lines


def verdict(stages: Json) -> str:
    """Say in a sentence what is slow."""
    known = {name: times for name, times in stages.items() if name in STAGES}
    if not known:
        return "Nothing was shown in the last minute."
    total = stages.get("total")
    shares = {name: times["share"] for name, times in known.items() if times["share"] is not None}
    if total is None or not any(shares.values()):
        most = max(known, key=lambda name: known[name]["p50"])
        return (
            "Nobody has typed or clicked in the last minute. Of a picture's time most is "
            f"{CULPRITS[most]}: {_time(known[most]['p50'])}."
        )
    most = max(shares, key=lambda name: shares[name])
    part = f"{CULPRITS[most]} takes {shares[most]:.0%} of the time".replace("%", " %")
    if total["p95"] <= SWIFT:
        return f"Nothing is slow: 95 of 100 inputs are seen within {_time(total['p95'])}; {part}."
    return f"{part[0].upper()}{part[1:]}."


def sent(stats: Json) -> str:
    """Say what was sent, and how it was encoded."""
    encodings = stats["encodings"]
    pixels = sum(each["pixels"] for each in encodings.values())
    ways = [
        f"{name} {amount(each['bytes'])} for {each['pixels'] / pixels:.0%} of the pixels".replace("%", " %")
        for name, each in sorted(encodings.items(), key=lambda item: -item[1]["bytes"])
    ]
    frames, refinements = stats["frames"], stats["refinements"]
    return "; ".join([f"{count(frames, 'frame')}, {refinements} of them to make exact", *ways])


def line(viewer: Json) -> str:
    """Say what is known of the line to a viewer."""
    if "line" not in viewer:
        return "has no screen yet"
    known = viewer["line"]
    rate = "not the limit" if known["rate"] is None else f"{amount(known['rate'])}/s"
    trip = "unknown" if known["round_trip"] is None else _time(known["round_trip"])
    ahead = f"{count(known['frames_ahead'], 'frame')} ({amount(known['bytes_ahead'])})"
    return f"line {rate}, round trip {trip}, {ahead} on the way"


def page(stats: Json) -> str:
    """Return all there is to say of a session."""
    viewers = stats["viewers"]
    head = clean(f"{stats['title']} of {stats['user']}, session {stats['session']}")
    lines = [
        head,
        "",
        *table(stats["stages"]),
        "",
        f"  {verdict(stats['stages'])}",
        "",
        f"  sent: {sent(stats)}",
    ]
    lines += [f"  viewer {viewer['viewer']}: {line(viewer)}" for viewer in viewers]
    if not viewers:
        lines.append("  nobody looks at it now")
    return "\n".join(lines)


def _row(name: str, meaning: str, times: Json) -> str:
    figures = "".join(f"{_time(times[p]):>11}" for p in ("p50", "p95", "p99"))
    share = times["share"]
    shown = "" if share is None else f"  {share:>4.0%} {_bar(share)}".replace("%", " %")
    return f"  {name:<8}{meaning:<38}{figures}{shown}".rstrip()


def _bar(share: float) -> str:
    whole, eighth = divmod(round(share * _BAR * 8), 8)
    return ("█" * whole + _EIGHTHS[eighth]).strip()


def _time(seconds: float) -> str:
    milliseconds = seconds * 1000
    if milliseconds < 0.05:
        return "0 ms"
    return f"{milliseconds:,.0f} ms" if milliseconds >= 99.95 else f"{milliseconds:.1f} ms"
