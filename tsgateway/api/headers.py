"""Headers on every response, errors included."""

from __future__ import annotations

from collections.abc import Sequence

_POLICY = (
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
)
_FEATURES = "camera=(), geolocation=(), microphone=(self), payment=(), usb=(), fullscreen=(self)"


def security_headers(origins: Sequence[str]) -> dict[str, str]:
    """Return them. origins: where the page is served from; their WebSockets may be opened."""
    sockets = " ".join(origin.replace("https://", "wss://", 1) for origin in origins)
    policy = "; ".join((*_POLICY, f"connect-src 'self' {sockets}".rstrip()))
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000",
        "Permissions-Policy": _FEATURES,
    }
