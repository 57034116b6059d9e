"""A real gateway that is killed while it notes things: its audit is whole."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from pathlib import Path

from tests.e2e.gateway import PASSWORD, RealGateway
from tsgateway.audit.verify import verify

CONFIG = """

[desktops.card]
title = "Test card"
kind = "testcard"
groups = ["users"]
"""


def guess(gateway: RealGateway, password: str) -> int:
    """Sign in; return the status."""
    trusting = ssl._create_unverified_context()  # its certificate was made a moment ago
    line = http.client.HTTPSConnection("127.0.0.1", gateway.port, context=trusting, timeout=60)
    try:
        body = json.dumps({"name": "ada", "password": password})
        line.request("POST", "/api/v1/login", body, {"Content-Type": "application/json"})
        return line.getresponse().status
    finally:
        line.close()


def records(folder: Path) -> list[dict]:
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def keep_guessing(gateway: RealGateway) -> None:
    try:
        while True:
            guess(gateway, "wrong")
    except (OSError, http.client.HTTPException):
        pass  # it was killed


def test_the_audit_of_a_killed_gateway_is_whole():
    gateway = RealGateway(CONFIG)
    folder = gateway.folder / "data" / "audit"
    try:
        assert guess(gateway, PASSWORD) == 200
        for _ in range(3):
            guessing = threading.Thread(target=keep_guessing, args=(gateway,))
            guessing.start()
            guessing.join(0.7)
            gateway.kill()
            guessing.join()
            report = verify(folder)
            assert report.is_good, report
            gateway.start()
        assert "good" in gateway.run("audit", "verify").splitlines()
        gateway._process.terminate()
        gateway._process.wait(60)
        found = [each["kind"] for each in records(folder)]
        report = verify(folder)
        gateway.start()
    finally:
        gateway.stop()
    assert report.is_good, report
    assert found.count("audit.began") == 1
    assert found.count("gateway.started") == 4
    assert found.count("gateway.stopped") == 1  # of four, three were killed
    assert found.count("sign-in.accepted") == 1
    assert found.count("sign-in.refused") + found.count("sign-in.throttled") >= 3
    assert found[-1] == "audit.checkpoint"
