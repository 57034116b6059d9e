"""What operators have set for session hosts: their weights, and whether they take anybody on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update

from tsgateway.drain import DEFAULT_WEIGHT, DrainMode, HostSetting
from tsgateway.store.schema import hosts
from tsgateway.store.tables import Tables


class HostSettings(Tables):
    """The table of them."""

    def all(self) -> dict[str, HostSetting]:
        """Return what is set, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(hosts.c.name, hosts.c.weight, hosts.c.mode)).all()
        return {name: HostSetting(weight, DrainMode(mode)) for name, weight, mode in rows}

    def set_mode(self, name: str, mode: DrainMode, now: float) -> None:
        """Set whom a host, or the gateway (`ALL`), takes on."""
        self._set(name, {"mode": mode.value}, now)

    def set_weight(self, name: str, weight: int, now: float) -> None:
        """Set a host's weight."""
        self._set(name, {"weight": weight}, now)

    def restarted(self, name: str | None, now: float) -> None:
        """End "until restart" for a host that was started anew; for all with None."""
        until = hosts.c.mode == DrainMode.DRAIN_UNTIL_RESTART.value
        chosen = until if name is None else until & (hosts.c.name == name)
        with self._writing() as connection:
            connection.execute(update(hosts).where(chosen).values(mode=DrainMode.ENABLE.value, changed=now))

    def _set(self, name: str, values: Mapping[str, Any], now: float) -> None:
        with self._writing() as connection:
            changed = {**values, "changed": now}
            if connection.execute(update(hosts).where(hosts.c.name == name).values(changed)).rowcount == 0:
                row = {"name": name, "weight": DEFAULT_WEIGHT, "mode": DrainMode.ENABLE.value, **changed}
                connection.execute(insert(hosts).values(row))
