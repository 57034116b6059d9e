"""`python -m bench.tsadmin`: how long `tsadmin` takes to its first output, beside a gateway that runs here.

Wall time until the first byte, and processor time of the whole command, the least of several runs: other
programs disturb upwards only. Beside it, as a measure of the machine: a Python that does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL = 0.150
"""Seconds to the first output."""
COMMANDS = {
    "python -c pass": ["-c", "print(1)"],
    "tsadmin --help": ["-m", "tsgateway.admin.main", "--help"],
    "tsadmin query session": ["-m", "tsgateway.admin.main", "query", "session"],
    "tsadmin query session --json": ["-m", "tsgateway.admin.main", "query", "session", "--json"],
    "tsadmin doctor": ["-m", "tsgateway.admin.main", "doctor"],
}


def once(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds to the first output, and of processor time to the end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if process.stdout is None or not process.stdout.read(1):
        raise SystemExit(f"{' '.join(command)} says nothing")
    first = time.perf_counter() - began
    process.stdout.read()
    process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return first, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def gateway(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a gateway; return when its socket is there."""
    command = [sys.executable, "-m", "tsgateway.cli.main", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "data" / "api.sock").exists():
        if process.poll() is not None:
            raise SystemExit("the gateway does not start")
        time.sleep(0.1)
    return process


def measure(runs: int) -> dict[str, dict[str, float]]:
    """Return for each command seconds of wall and of processor time."""
    with tempfile.TemporaryDirectory(prefix="tsg-") as name:
        folder = Path(name)
        config = folder / "c.toml"
        config.write_text(f'data.directory = "{folder / "data"}"\nserver.port = 0\nhosts.count = 1\n')
        environment = {**os.environ, "TSGATEWAY_CONFIG": str(config)}
        process = gateway(folder, environment)
        try:
            found: dict[str, list[tuple[float, float]]] = {each: [] for each in COMMANDS}
            for _ in range(runs):  # in turn, so that a busy moment costs all the same
                for each, command in COMMANDS.items():
                    found[each].append(once(command, environment))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            subprocess.run(
                [sys.executable, "-m", "tsgateway.cli.main", "end-sessions"],
                env=environment, stdout=subprocess.DEVNULL, check=False,
            )  # fmt: skip
    return {
        each: {"first_output": min(wall for wall, _ in times), "cpu": min(cpu for _, cpu in times)}
        for each, times in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.runs)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    nothing = found["python -c pass"]
    print(f"{'':<30}{'first output':>14}{'× nothing':>11}{'processor':>12}{'× nothing':>11}")
    for each, times in found.items():
        ratios = {kind: times[kind] / nothing[kind] for kind in times}
        print(
            f"{each:<30}{times['first_output'] * 1000:>11.0f} ms{ratios['first_output']:>11.1f}"
            f"{times['cpu'] * 1000:>9.0f} ms{ratios['cpu']:>11.1f}"
        )
    slowest = found["tsadmin query session"]["first_output"]
    print(f"to reach: {GOAL * 1000:.0f} ms; {'reached' if slowest <= GOAL else 'missed'}")


if __name__ == "__main__":
    main()
