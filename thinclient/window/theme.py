"""Colours and icons, those of the browser client; light or dark as the system is."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

_IMAGES = Path(__file__).parents[2] / "webclient/images"


@dataclass(frozen=True, slots=True)
class Colours:
    """What `webclient/style.css` calls them."""

    ground: str
    surface: str
    surface_2: str
    line: str
    line_strong: str
    text: str
    quiet: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    good: str
    warn: str
    bad: str
    bad_soft: str


LIGHT = Colours(
    "#f5f6fb", "#ffffff", "#f4f5fa", "#dfe2ee", "#8b91a8", "#161a28", "#5a6178", "#4154e8", "#3243cf",
    "#ffffff", "#e9ecff", "#0d6e3b", "#8a4e00", "#c22a3b", "#fdecee",
)  # fmt: skip
DARK = Colours(
    "#0c1019", "#161c2a", "#1e2637", "#2a3347", "#5d6884", "#edf0f8", "#a0a9c0", "#8094ff", "#97a8ff",
    "#0d1226", "#232c52", "#4ade8d", "#fbbf5a", "#ff8a94", "#3a1a22",
)  # fmt: skip

_SHEET = """
* {{ font-size: 10.5pt; }}
QWidget#page {{ background: {ground}; }}
QFrame#card {{ background: {surface}; border: 1px solid {line}; border-radius: 14px; }}
QLabel#title {{ font-size: 19pt; font-weight: 600; color: {text}; }}
QLabel#subtitle {{ font-size: 13pt; font-weight: 600; color: {text}; }}
QLabel#brand {{ font-size: 12pt; font-weight: 600; }}
QLabel#quiet {{ color: {quiet}; }}
QLabel#fingerprint {{ font-family: monospace; background: {surface_2}; border: 1px solid {line};
    border-radius: 9px; padding: 9px; }}
QLabel#problem {{ color: {bad}; background: {bad_soft}; border-radius: 9px; padding: 9px 12px; }}
QLabel#good {{ color: {good}; }}
QLineEdit, QComboBox {{ background: {surface}; color: {text}; border: 1px solid {line_strong};
    border-radius: 9px; padding: 9px 11px;
    selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit:focus {{ border: 2px solid {accent}; padding: 8px 10px; }}
QPushButton {{ background: {surface}; color: {text}; border: 1px solid {line}; border-radius: 9px;
    padding: 8px 16px; }}
QPushButton:hover {{ background: {surface_2}; border-color: {line_strong}; }}
QPushButton:focus {{ border: 2px solid {accent}; padding: 7px 15px; }}
QPushButton:checked {{ background: {accent_soft}; border-color: {accent}; color: {accent}; }}
QPushButton:disabled {{ color: {quiet}; }}
QPushButton#primary {{ background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600; }}
QPushButton#primary:hover {{ background: {accent_hover}; }}
QPushButton#primary:focus {{ border: 2px solid {text}; padding: 7px 15px; }}
QPushButton#primary:disabled {{ background: {line}; border-color: {line}; color: {quiet}; }}
QWidget#bar {{ background: {surface}; border-bottom: 1px solid {line}; }}
QWidget#bar[floating="true"] {{ border: 1px solid {line}; border-top: 0; border-bottom-left-radius: 14px;
    border-bottom-right-radius: 14px; }}
QWidget#bar QToolButton {{ color: {text}; background: transparent; border: 0; border-radius: 9px;
    padding: 6px 10px; }}
QWidget#bar QToolButton:hover, QWidget#bar QToolButton:pressed {{ background: {surface_2}; }}
QWidget#bar QToolButton::menu-indicator {{ image: none; }}
QWidget#strip {{ background: {accent_soft}; border: 1px solid {line}; border-radius: 9px; }}
QWidget#strip[warns="true"] {{ background: {bad_soft}; }}
QMenu {{ background: {surface}; color: {text}; border: 1px solid {line}; border-radius: 9px; padding: 6px; }}
QMenu::item {{ padding: 7px 28px 7px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {accent_soft}; color: {text}; }}
QMenu::item:disabled {{ color: {quiet}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 5px 8px; }}
QProgressBar {{ background: {line}; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
QTreeView {{ background: {surface}; border: 1px solid {line}; border-radius: 9px; padding: 4px; }}
QTreeView::item {{ padding: 4px 6px; }}
QTreeView::item:selected {{ background: {accent_soft}; color: {text}; }}
QHeaderView::section {{ background: {surface}; color: {quiet}; border: 0; padding: 5px 8px; }}
QScrollArea {{ border: 0; background: transparent; }}
QToolTip {{ background: {surface}; color: {text}; border: 1px solid {line}; padding: 5px; }}
"""


_chosen: list[Colours] = []  # what the person wants whatever the system says


def colours() -> Colours:
    """Return the colours as they are now."""
    is_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return _chosen[0] if _chosen else DARK if is_dark else LIGHT


def dress(app: QApplication, appearance: str) -> None:
    """Give the program its looks. appearance: light, dark, or system: as that is, also when it changes."""
    if appearance != "system":
        _chosen[:] = [DARK if appearance == "dark" else LIGHT]
    app.setStyle("Fusion")
    app.setWindowIcon(logo())
    _paint(app)
    app.styleHints().colorSchemeChanged.connect(lambda _: _paint(app))


def _paint(app: QApplication) -> None:
    now = colours()
    palette = QPalette()
    for role, colour in (
        (QPalette.ColorRole.Window, now.surface), (QPalette.ColorRole.Base, now.surface),
        (QPalette.ColorRole.AlternateBase, now.surface_2), (QPalette.ColorRole.Button, now.surface),
        (QPalette.ColorRole.WindowText, now.text), (QPalette.ColorRole.Text, now.text),
        (QPalette.ColorRole.ButtonText, now.text), (QPalette.ColorRole.PlaceholderText, now.quiet),
        (QPalette.ColorRole.Highlight, now.accent), (QPalette.ColorRole.HighlightedText, now.on_accent),
        (QPalette.ColorRole.Link, now.accent), (QPalette.ColorRole.ToolTipBase, now.surface),
        (QPalette.ColorRole.ToolTipText, now.text),
    ):  # fmt: skip
        palette.setColor(role, QColor(colour))
    app.setPalette(palette)
    app.setStyleSheet(_SHEET.format(**{name: getattr(now, name) for name in Colours.__slots__}))
    icon.cache_clear()


@functools.cache
def _symbols() -> dict[str, str]:
    sheet = (_IMAGES / "icons.svg").read_text()
    return {
        found[1]: found[2]
        for found in re.finditer(
            r'<symbol id="([\w-]+)" viewBox="0 0 24 24">(.*?)</symbol>', sheet, re.DOTALL
        )
    }


@functools.cache
def icon(name: str, colour: str = "") -> QIcon:
    """Return one of the browser client's icons. colour: #rrggbb; else that of text."""
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none"'
        f' stroke="{colour or colours().text}" stroke-width="1.75" stroke-linecap="round"'
        f' stroke-linejoin="round">{_symbols()[name]}</svg>'
    )
    return _drawn(drawn.encode(), 96)


@functools.cache
def logo() -> QIcon:
    """Return the product's logo."""
    return _drawn((_IMAGES / "logo.svg").read_bytes(), 256)


def _drawn(svg: bytes, side: int) -> QIcon:
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg)).render(painter, QRectF(0, 0, side, side))
    painter.end()
    return QIcon(pixmap)
