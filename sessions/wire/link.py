"""The session link: what the gateway and a session host say to each other.

A stream of messages, each behind its u32 length (wire/lengths). A message is one byte `Kind`, a u32
channel and a body. Viewer channels carry tsg messages untouched in both directions; everything else
is JSON on channel 0. Numbers are big-endian.

Requests (gateway to host) and what they answer; every one may fail with `{"error": sentence}`:

    hello      {version}                                           → {version, pid, sessions: [SessionInfo]}
    start      {session, desktop, user, title, spec, rules,
                width, height, number}                             → SessionInfo
    number     {session, number}                                   → {}   it is called so from now on
    list       {}                                                  → {sessions: [SessionInfo]}
    activity   {}                                                  → {sessions: {session: idle_since}}
    attach     {session, viewer, hello: base64 of ClientHello,
                shadow, by, consent, invited, limits, allow}       → {}, then tsg messages on that channel
    detach     {viewer}                                            → {}
    message    {session, id, sender, title, text, seconds, ask}    → {}   shown to the session's people
    end        {session}                                           → {}   at once
    log_off    {session, administrator}                            → {}   its guest may shut down first
    reset      {session, administrator}                            → {}   at once
    disconnect {session, administrator}                            → {}   its viewers are let go
    stats      {session}                                           → Statistics
    totals     {}                                                  → Totals
    thumbnail  {session, width}                                    → {jpeg: base64, at}
    guest      {session}                                           → GuestInfo
    processes  {session}                                           → {processes: [Process]}
    kill       {session, pid, by}                                  → {forced}
    run        {session, command: [word], input, seconds}          → {code, out, err}
    share      {session}                                           → {mounted}   by its guest
    pools      {pools: [Wish]}                                     → {pools: [Pool], left}
    spares     {}                                                  → {pools: [Pool], left}
    end_unused {}                                                  → {}   machines nobody shares any more end
    quit       {}                                                  → {}   host detaches its guests and exits

Events (host to gateway):

    session    SessionInfo                        whenever its state changes
    detached   {viewer, code, reason}             the host has let a viewer go (tsg `CloseCode`)
    ran        {session, user, who, command, code, error}   a command runs in a guest (code: null), has run
    message_answered {session, id, answer}        what has become of a message
    shadow     Shadow                             somebody looks on, wants to, or does so no more
    control    Turn                               somebody has keyboard and pointer while others look on
    load       Load                               before hello is answered, every 5 s, when its counts change

SessionInfo: {session, desktop, user, title, kind, state (tsg `SessionState`), progress, text,
viewers, started, since (Unix times: of its start, and of its last change of state), reason (name of an
`EndReason`, sessions/lifecycle; "" while it lives), number (a small one that the gateway chose, for people;
0: none yet), idle_since (Unix time of the last input, 0 while nobody is connected; between two changes of
state only `activity` has it newer), shares (whether its guest is one that has a folder for files)}.
`session` is an id the gateway chose (32 hex digits); `spec` is the desktop's table from the configuration,
with secrets filled in, `rules` those of its life (sessions/rules; without them the usual ones); `viewer` is a
number the gateway chose, never used twice on one link; `limits`, {idle_minutes, active_minutes}, hold from
then on where they are stricter than the rules (left out: nothing changes); `allow` says what may go between
the guest and the person's machine (`Allowed` of sessions/channels; left out: nothing); `administrator` says
whether somebody else than the session's person asks for it.

attach: shadow is "view" or "control" for somebody who looks on at another's session, as its rules allow; ""
or left out for its own person. by: who that is, for people; consent: whether the person is asked although the
rules do not want it; invited (left out: false): by the person, so that the rule for invitations holds and
only consent says whether they are asked. The answer comes at once, also where the person is asked first: a
viewer that is refused is `detached`.

message: title and text are plain text; seconds: after which it goes away, 0: when it is read. With ask the
event `message_answered` tells once what has become of it: "ok", "timeout", "disconnected" (nobody was there
whom it could be shown) or "gone" (the session has ended); id is the gateway's.

thumbnail: a JPEG file of the screen, at most so many pixels wide (64 to 640), at a Unix time; of a screen
that nobody looks at the last one, empty when there is none. The `thumbnail` of SessionInfo counts those that
are kept.

Shadow: {session, viewer, state, by, control, asked, reason}. state: "asked", "began", "refused" (with the
reason, a sentence) or "ended"; control: whether it is more than seeing; asked: whether the person is, or was.

Turn: {session, viewer, state, seconds, inputs}. state: "began" or "ended", after so many seconds in which so
many keys, texts, turns of the wheel, movements and presses of the pointer came from this viewer.

Statistics: where a session's time goes (docs/latency.md). {session, state, stages, frames, refinements,
encodings, viewers: [{viewer, stages, frames, refinements, encodings, line}]}. stages: {name of a tsg `Stage`:
{p50, p95, p99, count, share}} over the last half to whole minute, in seconds; a stage that was not seen is
left out, and share, of the time from inputs to their pictures, is null where none was answered. frames, of
which refinements only made exact what was there, and encodings, {name of a tsg `Encoding`: {bytes, pixels}},
are of the whole time. line: {rate (bytes a second), round_trip (seconds), frames_ahead, bytes_ahead}; what is
not known is null. A viewer that has no screen yet has its number only.

Totals: all that a host's sessions have measured since it started, those that have ended included. {bounds,
stages, frames, refinements, encodings, cpu_seconds}. bounds: seconds; stages: {name: {below: how many took
less than each of the bounds, count, sum (seconds)}}; cpu_seconds: what the host's process has used.

GuestInfo: what the guest's agent says of it (docs/guest-services.md). {os, version, host_name, addresses:
[text], agent (its version), time (Unix time)}. run: input (may be left out), out and err are base64; seconds:
how long the host waits for the command, 30 unless told; code: its exit code, negative for a signal. Answers
come when there is something to tell, so a later request's may come earlier.

Process: {pid, parent, user, name, seconds (it runs for), cpu_seconds, memory (bytes)}; of a machine that many
share only the person's own. kill: one of these is asked to end, and killed (forced) if it does not; by: who
wants it, for the log.

Load: what a gateway places new sessions by. {cpu (0 to 1 of one core, this process, over the last 5 s),
memory_free (bytes that can still be taken on this machine; 0: not known), spares, seats}. spares: {desktop:
how many guests stand ready for a session}; seats: {desktop: how many sessions its running shared guests can
still take}.

Wish: {desktop, spec, spares}: how many guests shall stand ready for sessions of a desktop that nobody has
asked for yet. A request `pools` is the whole wish and replaces the last one; guests that no Wish is for are
ended. Pool: {desktop, wanted, ready, starting, trouble}; trouble is a sentence, "" while all is well. left:
how many guests there are for nobody in all, those that are being ended included.

`hello` and `quit` stay as they are in every version: a host refuses the hello of a gateway of another
version, and then takes its `quit`, so that an update can replace it.
"""

from __future__ import annotations

import enum
import json
import struct
from typing import Any, NamedTuple

from sessions.wire.errors import ProtocolError
from sessions.wire.lengths import LengthPrefixed

VERSION = 1
MAX_MESSAGE = 16 * 1024 * 1024 + 64

_HEAD = struct.Struct(">BI")


class Kind(enum.IntEnum):
    """What a message's body is."""

    REQUEST = 1
    REPLY = 2
    EVENT = 3
    VIEWER = 4


class LinkMessage(NamedTuple):
    """One message of the link.

    body: bytes of one tsg message for `Kind.VIEWER`, else an object: {id, method, params},
    {id, result} or {id, error}, {event, params}.
    """

    kind: Kind
    channel: int
    body: Any


def encode(kind: Kind, channel: int, body: Any) -> bytes:
    """Return a message with its length, ready for the stream."""
    payload = body if kind is Kind.VIEWER else json.dumps(body, separators=(",", ":")).encode()
    return struct.pack(">IBI", _HEAD.size + len(payload), kind, channel) + payload


class LinkReader:
    """Cuts the stream into messages."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._cutter = LengthPrefixed(limit)

    def receive(self, data: bytes) -> list[LinkMessage]:
        """Take what arrived, return the messages now whole. Raises ProtocolError, LimitExceeded."""
        return [_decode(message) for message in self._cutter.receive(data)]


def _decode(message: bytes) -> LinkMessage:
    if len(message) < _HEAD.size:
        raise ProtocolError(f"a link message of {len(message)} bytes")
    number, channel = _HEAD.unpack_from(message)
    payload = message[_HEAD.size :]
    try:
        kind = Kind(number)
        body = payload if kind is Kind.VIEWER else json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not a link message: {error}") from None
    if kind is not Kind.VIEWER and not isinstance(body, dict):
        raise ProtocolError("a link message that is not an object")
    return LinkMessage(kind, channel, body)
