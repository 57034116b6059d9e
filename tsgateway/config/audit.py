"""What the gateway tells of itself: the audit, and figures for Prometheus."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tsgateway.config.paths import FilePath

_SYSLOG = re.compile(r"(tls|tcp|udp)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?|unix:/.+")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AuditSection(_Table):
    """The audit: who did what, when and where from (docs/audit.md)."""

    keep_days: float = Field(
        365, ge=0, le=36_500, description="How long records are kept; 0: for ever. Whole files are retired."
    )
    segment_mb: float = Field(
        16, ge=0.1, le=1024, description="A new file is begun when one has this size, and every day; MiB."
    )
    syslog: str | None = Field(
        None,
        description="Where every record is sent as well, as syslog (RFC 5424): `tls://HOST:PORT`, "
        "`tcp://HOST:PORT`, `udp://HOST:PORT` or `unix:/dev/log`. Default: nowhere.",
    )
    syslog_ca: FilePath | None = Field(
        None,
        description="PEM file with the authorities that `tls://` trusts. Default: those the system trusts.",
    )

    @field_validator("syslog")
    @classmethod
    def _is_address(cls, address: str | None) -> str | None:
        if address is not None and not _SYSLOG.fullmatch(address):
            raise ValueError('should look like "tls://log.example.org:6514" or "unix:/dev/log"')
        return address


class MetricsSection(_Table):
    """Figures for Prometheus, at /metrics."""

    token_file: FilePath | None = Field(
        None,
        description="File whose first line is the token that Prometheus has to bring, at least 32 "
        "characters. Without it there is nothing at /metrics.",
    )
