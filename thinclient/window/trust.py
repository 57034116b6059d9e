"""Whether to trust a gateway: asked once, and said loudly when its certificate is another one later."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from thinclient.certificate import Shown, pairs
from thinclient.window.parts import button, label, row

_WRONG = {
    "expired": "Its certificate has expired.",
    "not_yet": "Its certificate is not valid yet, or this machine's clock is wrong.",
    "other_host": "Its certificate is made out for another name.",
    "unknown": "Nobody that this machine trusts vouches for its certificate.",
}


class TrustDialog(QDialog):
    """Asks whether the certificate of `host` is the gateway's. Accepted: it is to be trusted from now on."""

    def __init__(self, over: QWidget, host: str, shown: Shown, reason: str) -> None:
        super().__init__(over)
        self.setWindowTitle("Is this your gateway?")
        self.setMinimumWidth(560)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 26, 28, 22)
        layout.setSpacing(12)
        layout.addWidget(label(f"Is this {host}?", "title"))
        layout.addWidget(label(_WRONG.get(reason, _WRONG["unknown"]), "problem"))
        layout.addWidget(
            label(
                "Nothing has been sent there yet. Compare the fingerprint with the one that whoever runs the "
                "gateway has given you; “tsadmin doctor” shows it there. If they are the same, it is yours."
            )
        )
        layout.addWidget(label("SHA-256 fingerprint", "quiet"))
        layout.addWidget(label(shown.pairs, "fingerprint", selectable=True))
        layout.addWidget(label(_facts(shown), "quiet", selectable=True))
        no = button("Do not connect", self.reject, name="primary")
        yes = button("Trust it from now on", self.accept)
        for each in (no, yes):
            each.setAutoDefault(False)
        layout.addWidget(row(yes, no, to_right=True))
        no.setFocus()


class ChangedDialog(QDialog):
    """Tells that a gateway shows another certificate than the one that was trusted. It cannot be accepted."""

    def __init__(self, over: QWidget, url: str, trusted: str, shown: Shown) -> None:
        super().__init__(over)
        self.setWindowTitle("Not the certificate that was trusted")
        self.setMinimumWidth(560)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 26, 28, 22)
        layout.setSpacing(12)
        layout.addWidget(label("This may not be your gateway", "title"))
        layout.addWidget(
            label(
                f"{url} shows another certificate than the one that was trusted. Nothing was sent there.",
                "problem",
            )
        )
        layout.addWidget(label("Trusted", "quiet"))
        layout.addWidget(label(pairs(trusted), "fingerprint", selectable=True))
        layout.addWidget(label("Shown now", "quiet"))
        layout.addWidget(label(shown.pairs, "fingerprint", selectable=True))
        layout.addWidget(label(_facts(shown), "quiet", selectable=True))
        layout.addWidget(
            label(
                "If whoever runs the gateway says that it was given a new certificate, forget the old one, "
                "connect again, and compare the new one:"
            )
        )
        layout.addWidget(label(f"tsclient forget {url}", "fingerprint", selectable=True))
        closes = button("Close", self.reject, name="primary")
        layout.addWidget(row(closes, to_right=True))
        closes.setFocus()


def _facts(shown: Shown) -> str:
    now = datetime.now(UTC)
    state = "" if shown.begins <= now <= shown.ends else " (not now)"
    return (
        f"Made out for {', '.join(shown.names[:6])}\nSigned by {shown.issuer}\n"
        f"Valid from {shown.begins:%Y-%m-%d} to {shown.ends:%Y-%m-%d}{state}"
    )
