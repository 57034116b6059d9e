"""Every page and dialog can be read, in both looks: no text is cut, and no button is without a name."""

import os

import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from tests.thinclient.scenes import scenes
from thinclient.window import theme
from thinclient.window.theme import DARK, LIGHT, Colours

PADDING = 6
"""Pixels of a label's padding that may be missing; a line of text has more."""


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_everything_can_be_read(appearance: str) -> None:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.dress(app, appearance)
    seen = 0
    for name, widget in scenes():
        app.processEvents()
        for each in widget.findChildren(QLabel):
            if each.isVisible() and each.text():
                seen += 1
                assert each.height() >= each.heightForWidth(each.width()) - PADDING, (name, each.text())
                assert each.width() >= each.minimumSizeHint().width(), (name, each.text())
        for each in widget.findChildren(QAbstractButton):
            if each.isVisible():
                assert each.text() or each.accessibleName(), name
    assert seen > 50


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours: Colours) -> None:
    on_ground = [(text, colours.ground) for text in (colours.text, colours.quiet, colours.good)]
    on_surface = [(text, colours.surface) for text in (colours.text, colours.quiet, colours.good)]
    on_bad = [(text, colours.bad_soft) for text in (colours.text, colours.bad)]
    on_accent = [(text, colours.accent_soft) for text in (colours.text, colours.accent)]
    button = (colours.on_accent, colours.accent)
    for text, ground in (*on_ground, *on_surface, *on_bad, *on_accent, button):
        brighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


def test_colours_are_those_of_the_browser_client() -> None:
    import re

    sheet = (theme._IMAGES.parent / "style.css").read_text()
    told = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\);", sheet)[::-1])
    for name in Colours.__slots__:
        css = {"quiet": "text-quiet"}.get(name, name.replace("_", "-"))
        assert told[css] == f"{getattr(LIGHT, name)}, {getattr(DARK, name)}", name
