"""The doors: TLS, and what comes through it — HTTP, WebSocket, tsg behind lengths."""
