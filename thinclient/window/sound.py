"""Sound of one desktop: the menu, and what it does to the loudspeakers and the microphone."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QWidget, QWidgetAction

from sessions.wire import tsg
from sessions.wire.tsg import Capability, MicrophoneState
from thinclient.sound import choices, devices
from thinclient.sound.devices import Kind, Trouble
from thinclient.sound.loudspeakers import Loudspeakers
from thinclient.sound.microphone import Microphone
from thinclient.window import theme
from thinclient.window.bar import tool
from thinclient.window.link import Link
from thinclient.window.parts import label
from tsgateway.client.viewer import Happening, Welcome

_NO_LIBRARY = "Sound needs miniaudio, which is not installed: pip install miniaudio."
_TOLD = {
    (Kind.PLAYBACK, Trouble.ABSENT): "There are no loudspeakers that could be used.",
    (
        Kind.PLAYBACK,
        Trouble.OTHER,
    ): "The loudspeakers that were chosen are not there: the system's own are used.",
    (Kind.PLAYBACK, Trouble.NO_LIBRARY): _NO_LIBRARY,
    (Kind.CAPTURE, Trouble.ABSENT): "There is no microphone that could be used.",
    (Kind.CAPTURE, Trouble.OTHER): "The microphone that was chosen is not there: the system's own is used.",
    (Kind.CAPTURE, Trouble.NO_LIBRARY): _NO_LIBRARY,
}
_SILENT = "This desktop has no sound, or you may not hear it."
_TIP = "What the desktop plays, and a microphone"
_log = logging.getLogger(__name__)


class Sound(QObject):
    """Hears a desktop and speaks into it. tool: the button with the menu, for the bar."""

    _troubled = Signal(object, object)
    _named = Signal(object, object)

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._chosen = choices.read()
        self._is_offered = self._is_on = False
        self._state = MicrophoneState.NONE
        self._problems: dict[Kind, str] = {}
        self._loudspeakers = Loudspeakers(lambda trouble: self._troubled.emit(Kind.PLAYBACK, trouble))
        self._microphone = Microphone(link.voice, lambda trouble: self._troubled.emit(Kind.CAPTURE, trouble))
        self._loudspeakers.choose(self._chosen.output)
        self._microphone.choose(self._chosen.input)
        self._menu = QMenu()
        self._fill()
        self.tool = tool("Sound", "sound", _TIP, self._menu)
        self._menu.setParent(self.tool, self._menu.windowFlags())  # the bar stays while it is open
        self._troubled.connect(self._trouble, Qt.ConnectionType.QueuedConnection)
        self._named.connect(self._offer, Qt.ConnectionType.QueuedConnection)
        link.happened.connect(self._happened)
        link.on_sound = self._loudspeakers.play
        if self._chosen.muted:
            link.listen(False)
        self._hear()

    def close(self) -> None:
        """Let go of the devices."""
        self._loudspeakers.close()
        self._microphone.close()

    # ---- the menu

    def _fill(self) -> None:
        menu = self._menu
        menu.aboutToShow.connect(self._look_for_devices)
        self._told = menu.addAction("")
        self._told.setEnabled(False)
        self._mute = _tick(menu, "Mute")
        self._mute.setChecked(self._chosen.muted)
        self._mute.toggled.connect(lambda on: self._choose(muted=on))
        self._volume = QSlider(Qt.Orientation.Horizontal)
        self._volume.setRange(0, 100)
        self._volume.setValue(self._chosen.volume)
        self._volume.setAccessibleName("Volume")
        self._volume.setMinimumWidth(160)
        self._volume.valueChanged.connect(lambda volume: self._choose(volume=volume))
        menu.addAction(_labelled(menu, "Volume", self._volume))
        self._outputs = menu.addMenu("Loudspeakers")
        menu.addSeparator()
        self._speak = _tick(menu, "Microphone")
        self._speak.toggled.connect(self._turn)
        self._inputs = menu.addMenu("Microphone to use")
        self._draw_menu()

    def _draw_menu(self) -> None:
        told = " ".join(self._problems.values()) if self._is_offered else _SILENT
        if self._is_on and not told:
            told = "The desktop hears you."
        self._told.setText(told)
        self._told.setVisible(bool(told))
        for part in (self._mute, self._outputs.menuAction()):
            part.setEnabled(self._is_offered)
        self._volume.setEnabled(self._is_offered and not self._chosen.muted)
        may = self._state is not MicrophoneState.NONE
        self._speak.setEnabled(may)
        self._inputs.menuAction().setEnabled(may)
        self._speak.blockSignals(True)
        self._speak.setChecked(self._is_on)
        self._speak.blockSignals(False)

    def _draw(self) -> None:
        self._draw_menu()
        name = "microphone" if self._is_on else "sound-off" if self._chosen.muted else "sound"
        problem = " ".join(self._problems.values())
        self.tool.setIcon(theme.icon(name, theme.colours().warn if problem else ""))
        self.tool.setToolTip(problem or _TIP)

    def _look_for_devices(self) -> None:
        """Have the devices listed; the menu has those that were found last meanwhile."""

        def look() -> None:
            for kind in Kind:
                self._named.emit(kind, devices.names(kind))

        threading.Thread(target=look, name="sound devices", daemon=True).start()

    def _offer(self, kind: Kind, names: list[str]) -> None:
        plays = kind is Kind.PLAYBACK
        menu, chosen = (self._outputs, self._chosen.output) if plays else (self._inputs, self._chosen.input)
        for old in menu.actions():
            menu.removeAction(old)
            old.deleteLater()
        group = QActionGroup(menu)
        absent = [chosen] if chosen and chosen not in names else []
        for name in ["", *names, *absent]:
            action = _tick(menu, (name or "The system's own").replace("&", "&&"))
            action.setChecked(name == chosen)
            action.setEnabled(name not in absent)
            group.addAction(action)
            action.triggered.connect(partial(self._choose_output if plays else self._choose_input, name))

    # ---- what the person wants

    def _choose_output(self, name: str, _: bool = False) -> None:
        self._loudspeakers.choose(name)
        self._choose(output=name)

    def _choose_input(self, name: str, _: bool = False) -> None:
        self._microphone.choose(name)
        self._choose(input=name)

    def _choose(self, **changes: str | int) -> None:
        was_muted = self._chosen.muted
        self._chosen = replace(self._chosen, **changes)  # type: ignore[arg-type]
        try:
            choices.keep(self._chosen)
        except OSError as error:
            _log.info("what was chosen of sound is not kept: %s", error)
        if self._chosen.muted != was_muted:
            self._link.listen(not self._chosen.muted)
        self._hear()

    def _hear(self) -> None:
        self._loudspeakers.volume = 0.0 if self._chosen.muted else self._chosen.volume / 100
        self._draw()

    def _turn(self, on: bool) -> None:
        """Turn the microphone on, or off."""
        self._is_on = on
        self._problems.pop(Kind.CAPTURE, None)
        self._microphone.turn(on)
        self._link.microphone(on)
        self._draw()

    # ---- what happens

    def _happened(self, event: Happening) -> None:
        match event:
            case Welcome(hello):
                self._is_offered = Capability.SOUND in hello.capabilities
                self._state = MicrophoneState.NONE
                self._draw()
            case tsg.Microphone(state):
                self._may_speak(MicrophoneState(state))

    def _may_speak(self, state: MicrophoneState) -> None:
        """Take what the server says; who was heard and is no more is not recorded any more."""
        is_lost = self._is_on and self._state is MicrophoneState.OWN and state is not MicrophoneState.OWN
        self._state = state
        if is_lost:
            self._turn(False)
            others = state is MicrophoneState.TAKEN
            self._problems[Kind.CAPTURE] = (
                "Somebody else speaks in this session now."
                if others
                else "The desktop does not hear you any more."
            )
        self._draw()

    def _trouble(self, kind: Kind, trouble: Trouble) -> None:
        """Tell it quietly: the desktop goes on without sound."""
        self._problems.pop(kind, None)
        if kind is Kind.CAPTURE and trouble in (Trouble.ABSENT, Trouble.NO_LIBRARY) and self._is_on:
            self._turn(False)
        if trouble is not Trouble.NOTHING:
            self._problems[kind] = _TOLD[kind, trouble]
        self._draw()


def _tick(menu: QMenu, text: str) -> QAction:
    action = menu.addAction(text)
    action.setCheckable(True)
    return action


def _labelled(menu: QMenu, text: str, widget: QWidget) -> QWidgetAction:
    both = QWidget()
    layout = QHBoxLayout(both)
    layout.setContentsMargins(12, 6, 14, 6)
    layout.setSpacing(12)
    layout.addWidget(label(text))
    layout.addWidget(widget, 1)
    action = QWidgetAction(menu)
    action.setDefaultWidget(both)
    return action
