"""The numbers of the tsg protocol that have names."""

from __future__ import annotations

import enum


class CloseCode(enum.IntEnum):
    """Why a connection ends. The WebSocket close code is 4000 plus this."""

    NORMAL = 0
    PROTOCOL = 1
    UNKNOWN = 2
    VERSION = 3
    TICKET = 4
    LIMIT = 5
    SESSION_ENDED = 6
    TAKEN_OVER = 7
    TIMEOUT = 8
    SERVER_ERROR = 9
    SHUTDOWN = 10
    SIGNED_OUT = 11
    IN_USE = 12
    DISCONNECTED = 13
    SHADOW_OVER = 14


class SessionState(enum.IntEnum):
    """A session's state as viewers are told it."""

    STARTING = 0
    ACTIVE = 1
    CONNECTED = 2
    IDLE = 3
    DISCONNECTED = 4
    ENDED = 5


class Capability(enum.IntEnum):
    """What a side can do; lists of these are exchanged in the hellos, unknown ones are ignored."""

    HISTORY = 1
    """Decodes the zstd history stream (every viewer must)."""
    JPEG = 2
    """Decodes JPEG operations."""
    TEXT = 3
    """(server) Takes `TypeText`."""
    RESIZE = 4
    """(server) The screen follows `RequestSize`."""
    COPY = 5
    """Carries out COPY operations."""
    H264 = 6
    """Decodes VIDEO operations of this codec; so do the next three."""
    VP8 = 7
    VP9 = 8
    AV1 = 9
    STATISTICS = 10
    """(server) Takes `WatchStatistics`."""
    NOTICES = 11
    """(viewer) Takes `Notice`; (server) takes `Stay`."""
    DIALOGS = 12
    """(viewer) Shows a `Dialog`."""
    SHADOWS = 13
    """(viewer) Marks on the screen who else sees it (`Shadow`)."""
    SWITCH = 14
    """(viewer) Goes to another session when it is told to (`Switch`)."""
    CLIPBOARD_IN = 15
    """(server) Takes what the viewer offers of its clipboard; (viewer) has one to offer."""
    CLIPBOARD_OUT = 16
    """(server) Offers what the guest holds; (viewer) takes it."""
    SOUND = 17
    """(server) Takes `Listen`, and sends `Sound`."""
    MICROPHONE = 18
    """(server) Takes `Speak` and `Voice`, and sends `Microphone`."""
    RELATIVE = 19
    """(viewer) Takes `PointerMode`; (server) takes `Move`."""
    LOCKS = 20
    """(server) Takes `Locks`."""
    SHARING = 22
    """(viewer) Shows who else is there (`People`); (server) takes `AskControl` and `SetControl`."""
    POINTERS = 23
    """(viewer) Shows others' pointers (`PointerOf`); (server) takes `PointAway`."""


class NoticeLevel(enum.IntEnum):
    """What a `Notice` is."""

    INFORMATION = 0
    WARNING = 1
    """Something is going to happen."""
    ABSENCE = 2
    """Something is going to happen unless the person does something: any input or `Stay` prevents it."""


class DialogKind(enum.IntEnum):
    """What a `Dialog` asks."""

    MESSAGE = 0
    """Nothing but that it has been read."""
    SHADOW_VIEW = 1
    """Whether `sender` may see the screen."""
    SHADOW_CONTROL = 2
    """Whether `sender` may see the screen and use keyboard and pointer."""


class ShadowState(enum.IntEnum):
    """What a `Shadow` says."""

    OVER = 0
    VIEW = 1
    CONTROL = 2


class Lock(enum.IntFlag):
    """Which of them `Locks` says are on."""

    CAPS = 1
    NUM = 2


class Encoding(enum.IntEnum):
    """How the pixels of one operation travel."""

    HISTORY = 0
    JPEG = 1
    COPY = 2
    VIDEO = 3


class Codec(enum.IntEnum):
    """How the pictures of a video are encoded."""

    H264 = 0
    """ITU-T H.264, a byte stream as of its Annex B; each key picture brings its parameter sets."""
    VP8 = 1
    VP9 = 2
    """Profile 0."""
    AV1 = 3
    """Profile 0, a temporal unit as of its section 5 (low-overhead format)."""


class VideoFlag(enum.IntFlag):
    """Flags of a VIDEO operation."""

    KEY = 1
    """The stream begins anew: drop its old decoder, start a new one."""


class FrameFlag(enum.IntFlag):
    """Flags of a `Frame`."""

    NEW_STREAM = 1
    """The history chunk begins a new zstd frame: drop the old decoder, start a new one."""
    LAST = 2
    """The picture is whole after this message: present. Without it, more parts follow."""


class Stage(enum.IntEnum):
    """What time goes into, from an input's arrival to its picture on the viewer's screen."""

    INPUT = 0
    """Until the guest is handed the input."""
    GUEST = 1
    """Until the guest's picture changes."""
    WAIT = 2
    """Until that may be sent."""
    ENCODE = 3
    SEND = 4
    LINE = 5
    """The frame's way to the viewer, and the acknowledgement's way back."""
    CLIENT = 6
    """From the frame's arrival until its picture is on the screen."""
    TOTAL = 7
