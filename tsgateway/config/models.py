"""Every option there is, with its default, its limits and its description.

docs/configuration.md is generated from these models (see config/reference).
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from sessions.rules import (
    MAX_MINUTES,
    MAX_SECONDS,
    AtGuestEnd,
    AtLimit,
    Invitations,
    Second,
    ShadowLevel,
    Steering,
)
from tsgateway.config.audit import AuditSection, MetricsSection
from tsgateway.config.authenticators import Authenticator, GroupName
from tsgateway.config.paths import FilePath
from tsgateway.config.pools import PoolSection
from tsgateway.places import default_data_directory

_ID = r"^[a-z0-9][a-z0-9-]{0,31}$"


class Section(BaseModel):
    """A table of the file; keys it does not name are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSection(Section):
    """Where the gateway listens and what it shows to be itself."""

    listen: str = Field("127.0.0.1", description="Address to listen on; `0.0.0.0` or `::` is every address.")
    port: int = Field(8443, ge=0, le=65535, description="TCP port; 0 takes any free one.")
    origins: tuple[str, ...] = Field(
        (),
        description="Addresses people open in their browser, as `https://name:port`, exactly. Added to "
        "`https://localhost:PORT`, `https://127.0.0.1:PORT` and the listen address.",
    )
    certificate: FilePath | None = Field(
        None, description="PEM file with the TLS certificate and its chain. Default: a self-signed one."
    )
    key: FilePath | None = Field(None, description="PEM file with the certificate's private key.")
    max_connections: int = Field(
        256, ge=1, le=65536, description="Open connections at one time from which nobody has signed in yet."
    )
    max_connections_per_address: int = Field(
        64, ge=1, le=65536, description="The same, for one client address."
    )
    log_level: Literal["debug", "info", "warn", "error"] = Field("info", description="What is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="How: a line to read, or a JSON object a line (docs/monitoring.md)."
    )

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            name = origin.removeprefix("https://")
            if name == origin or not name or set(name) & set("/?#@ "):
                raise ValueError(
                    f'"{origin}" should look like "https://desk.example.org:8443", without a path'
                )
        return tuple(origin.lower() for origin in origins)


class DataSection(Section):
    """Where everything that lasts is kept."""

    directory: FilePath = Field(
        default_factory=default_data_directory,
        description="Folder of the database, certificate, images and running guests.",
        json_schema_extra={"shown_default": "`~/.local/share/tsgateway`, for root `/var/lib/tsgateway`"},
    )
    images: FilePath | None = Field(
        None, description="Folder of the guest images. Default: `images` in the data directory."
    )
    database: str | None = Field(
        None,
        description="The database, `postgresql://USER@HOST/NAME`, without a password; docs/database.md. "
        "Default: SQLite, the file `tsgateway.db` in the data directory.",
    )
    database_password_file: FilePath | None = Field(
        None,
        description="File whose first line is the password for the database. Without it the usual ways hold: "
        "`PGPASSFILE`, `~/.pgpass`, the system's user.",
    )

    @field_validator("database")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if url is None:
            return None
        scheme, _, rest = url.partition("://")
        if scheme not in ("postgresql", "postgres") or not rest:
            raise ValueError('should look like "postgresql://user@host/name"; leave it out for SQLite')
        if ":" in rest.partition("/")[0].rpartition("@")[0] or "password=" in rest:
            raise ValueError("has no place for a password, which would be seen; use database_password_file")
        return f"postgresql://{rest}"


MAX_HOSTS_BY_DEFAULT = 16


def _default_hosts() -> int:
    return min(len(os.sched_getaffinity(0)), MAX_HOSTS_BY_DEFAULT)


class HostsSection(Section):
    """The session hosts: the processes that own desktops. One works on one core at a time."""

    count: int = Field(
        default_factory=_default_hosts,
        ge=1,
        le=64,
        description="How many share this machine's sessions. The first always runs, another is started when "
        "a session is placed on it and put to sleep when it has had none for a minute or two. When this "
        "is lowered, a host beyond it takes no new sessions and runs until those it has are ended.",
        json_schema_extra={"shown_default": "one for each core, at most 16"},
    )
    logons_at_once: int = Field(
        2,
        ge=1,
        le=1000,
        description="How many sessions one host may be starting at a time; who comes then waits for a turn "
        "(docs/broker.md).",
    )
    logons_a_minute: int = Field(
        120, ge=1, le=100_000, description="How many sessions may begin on one host within a minute."
    )
    max_waiting: int = Field(
        200, ge=0, le=10_000, description="How many may wait for their turn; others are turned away."
    )
    wait_seconds: float = Field(
        180, gt=0, le=3600, description="Who has waited for that long is turned away, too."
    )
    clipboard_mb: int = Field(
        32,
        ge=1,
        le=256,
        description="The largest content that passes the clipboard between a desktop and a browser, in MB "
        "(docs/clipboard.md).",
    )
    idle_minutes: float = Field(
        10,
        gt=0,
        le=60 * 24,
        description="A session that is looked at is shown as idle after this long "
        "without keyboard or pointer. Nothing else changes.",
    )


class SessionsSection(Section):
    """The rules of sessions, where their desktop has none of its own (docs/sessions.md)."""

    second: Second = Field(
        Second.TAKE_OVER,
        description="What happens when somebody opens a session that is in use elsewhere: the new place gets "
        "it (`take-over`), both see and steer it (`join`), or the new one is turned away (`refuse`).",
    )
    active_minutes: float = Field(
        0, ge=0, le=MAX_MINUTES, description="For how long a session may be in use at a time; 0: no limit."
    )
    idle_minutes: float = Field(
        0,
        ge=0,
        le=MAX_MINUTES,
        description="For how long a session may be open without keyboard or pointer; 0: no limit.",
    )
    disconnected_minutes: float = Field(
        0,
        ge=0,
        le=MAX_MINUTES,
        description="After this long with nobody connected a session is logged off; 0: never.",
    )
    at_limit: AtLimit = Field(
        AtLimit.DISCONNECT,
        description="What the first two limits do: people are disconnected and the session goes on "
        "(`disconnect`), or it is logged off (`end`).",
    )
    warn_seconds: float = Field(
        60, ge=0, le=MAX_SECONDS, description="How long before that people are warned; 0: not at all."
    )
    at_guest_end: AtGuestEnd = Field(
        AtGuestEnd.END,
        description="What happens when a guest ends by itself: its session ends (`end`), or the guest is "
        "started again on the same disk while people wait (`restart`).",
    )
    shutdown_seconds: float = Field(
        30,
        ge=0,
        le=MAX_SECONDS,
        description="How long a guest that is logged off may take to shut down before it is ended.",
    )
    shadow: ShadowLevel = Field(
        ShadowLevel.CONTROL_ASKED,
        description="Whether helpers whose role allows it may look at a session with its person: not at all "
        "(0), also use keyboard and pointer if the person allows it (1) or without asking (2), only see the "
        "screen if the person allows it (3) or without asking (4). The person always sees that it is so.",
    )
    invitations: Invitations = Field(
        Invitations.SIGNED_IN,
        description="Whom a session's person may invite by a link to look on, or to use keyboard and pointer "
        "as well: nobody (`off`), people who have signed in here (`signed-in`), or whoever has the link "
        "(`anybody`).",
    )
    steering: Steering = Field(
        Steering.SEVERAL,
        description="Who uses keyboard and pointer while others look on: all who may (`several`), or one at "
        "a time, who hands it over when asked (`one`).",
    )


class AllSessionsSection(SessionsSection):
    """What holds for all, and the rules of sessions whose desktop has none of its own (docs/sessions.md)."""

    max_per_user: int = Field(
        0, ge=0, le=1000, description="How many sessions one person may have at a time; 0: any number."
    )
    keep_days: float = Field(
        30, ge=0, le=36_500, description="How long it is remembered who had which session, after its end."
    )


class QemuSection(Section):
    """Desktops of the kind `qemu`."""

    accelerator: Literal["auto", "kvm", "tcg"] = Field(
        "auto", description="How guests run: by the processor (`kvm`), by emulation (`tcg`), or as probed."
    )
    qemu: str = Field("qemu-system-x86_64", description="The QEMU program, a name or a path.")
    qemu_img: str = Field("qemu-img", description="The program that makes disks, a name or a path.")
    tb_size_mb: int = Field(
        128, ge=1, le=4096, description="Memory for translated code under `tcg`, MiB a guest."
    )
    network: Literal["isolated", "open"] = Field(
        "isolated", description="What guests reach: nothing, or the network as this machine does."
    )
    boot_seconds: float = Field(120, gt=0, le=3600, description="How long a guest may take to be ready.")
    uid_base: int = Field(
        0x70000000,
        ge=0,
        le=0x70000000,
        description="First of the user ids that guests run under when the gateway is root; 0: as root.",
    )


class GuestsSection(BaseModel):
    """Settings of each kind of guest, handed to the session host as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    qemu: QemuSection = QemuSection.model_construct()


class FilesSection(Section):
    """Files between people's machines and their desktops (docs/files.md)."""

    quota_gb: float = Field(
        10,
        ge=0,
        le=1_000_000,
        description="How much one person's shared folders may hold in all, GB; 0: as much as the disk has.",
    )
    keep_days: float = Field(
        7, gt=0, le=36_500, description="How long an upload that was not finished can be gone on with."
    )


class EncodingSection(Section):
    """How pictures travel."""

    window_log: int = Field(
        24,
        ge=18,
        le=27,
        description="History a viewer's decoder keeps, log2 of bytes: 24 is 16 MiB a viewer.",
    )
    level: int = Field(
        3,
        ge=1,
        le=12,
        description="How hard the history stream looks for what was shown before: 2 takes the least time, "
        "3 sends a sixth less, more is smaller and slower.",
    )
    jpeg_quality: int = Field(80, ge=20, le=100, description="Quality of photographs while they move.")


class SignInSection(Section):
    """Signing in."""

    lifetime_hours: float = Field(12, gt=0, le=24 * 90, description="A sign-in ends after this long.")
    idle_minutes: float = Field(
        60,
        gt=0,
        le=60 * 24 * 90,
        description="A sign-in ends when unused for this long; a desktop in view is use.",
    )
    free_attempts: int = Field(5, ge=1, le=100, description="Wrong passwords before waiting begins.")
    delay_seconds: float = Field(
        1, gt=0, le=60, description="The first wait; each further wrong password doubles it."
    )
    max_delay_seconds: float = Field(
        900, gt=0, le=86400, description="The longest wait for one client address."
    )
    max_account_delay_seconds: float = Field(
        30, gt=0, le=3600, description="The longest wait for one account, whoever tries."
    )
    password_length: int = Field(
        12, ge=8, le=128, description="Fewest characters of a password that somebody sets."
    )
    require_totp: tuple[GroupName, ...] = Field(
        (),
        description="Groups whose members need a second factor; who has none yet sets one up at the next "
        "sign-in.",
    )
    totp_issuer: str = Field(
        "tsgateway", min_length=1, max_length=64, description="What authenticator apps call this gateway."
    )


class Desktop(BaseModel):
    """A desktop that people may open. Further keys belong to its kind and go to the session host."""

    model_config = ConfigDict(extra="allow", frozen=True)

    title: str = Field(min_length=1, max_length=64, description="Its name in the list.")
    description: str = Field("", max_length=256, description="One line below the name.")
    kind: str = Field(
        pattern=_ID,
        description="The kind of guest: `qemu`, `qemu-shared` (docs/shared-hosts.md), `rfb`, `testcard` or a "
        "plug-in's.",
    )
    users: tuple[str, ...] = Field((), description="Accounts that may open it.")
    groups: tuple[str, ...] = Field((), description="Groups whose members may open it.")
    single: bool = Field(
        True,
        description="Whether who opens it again finds the session they have. Otherwise each opening starts "
        "another one, and the list of desktops shows those that run.",
    )
    rules: SessionsSection = Field(
        default_factory=lambda: SessionsSection.model_validate({}),
        description="Rules of its sessions that differ from those in `[sessions]`; the same keys.",
        json_schema_extra={"shown_default": "`{}`"},
    )
    pool: PoolSection = Field(
        default_factory=lambda: PoolSection.model_validate({}),
        description="Guests that stand ready, and how many there may be: the keys of `[desktops.ID.pool]`.",
        json_schema_extra={"shown_default": "`{}`"},
    )
    password_file: FilePath | None = Field(
        None,
        description="File whose first line is the password of the VNC server (kind `rfb`). As long as a "
        "session lasts, the data directory holds a copy that only the gateway's user can read.",
    )

    @model_validator(mode="after")
    def _can_be_warm(self) -> Desktop:
        if not self.pool.is_warm:
            return self
        if (self.model_extra or {}).get("assignment") == "personal":
            raise ValueError(
                "a personal desktop starts from its user's own disk, so none can stand ready: "
                "leave out pool.warm"
            )
        if self.kind == "qemu-shared":
            raise ValueError(
                "people get free seats in machines that run, so none can stand ready: leave out pool.warm; "
                "empty_minutes = 0 keeps a machine"
            )
        return self

    @property
    def spec(self) -> dict[str, Any]:
        """What the session host is told: the kind and the keys that belong to it."""
        return {"kind": self.kind, **(self.model_extra or {})}

    def rules_with(self, defaults: SessionsSection) -> dict[str, Any]:
        """Return the rules of its sessions, as the session host is told them."""
        rules = defaults.model_dump(mode="json", include=set(SessionsSection.model_fields))
        return {**rules, **self.rules.model_dump(mode="json", exclude_unset=True)}

    @model_validator(mode="before")
    @classmethod
    def _shared_no_more(cls, table: Any) -> Any:
        if isinstance(table, dict) and "shared" in table:
            raise ValueError(
                '"shared" has become a rule: instead of shared = true write rules.second = "join", and '
                "nothing instead of shared = false"
            )
        return table


def _free_name(name: str) -> str:
    if name == "local":
        raise ValueError('"local" are the accounts whose passwords are kept here; choose another name')
    return name


def _default_desktops() -> dict[str, Desktop]:
    return {
        "desktop": Desktop.model_validate(
            {
                "title": "Linux desktop",
                "description": "A desktop of your own in a virtual machine",
                "kind": "qemu",
                "template": "desktop",
                "groups": ["users"],
            }
        ),
        "testcard": Desktop.model_validate(
            {
                "title": "Test card",
                "description": "A moving picture without a machine behind it, to try the line",
                "kind": "testcard",
                "groups": ["administrators"],
            }
        ),
    }


DesktopId = Annotated[str, Field(pattern=_ID)]
AuthenticatorId = Annotated[str, Field(pattern=_ID), AfterValidator(_free_name)]


class Config(Section):
    """The whole file."""

    server: ServerSection = ServerSection.model_construct()
    data: DataSection = Field(default_factory=lambda: DataSection.model_validate({}))
    hosts: HostsSection = Field(default_factory=lambda: HostsSection.model_validate({}))
    sessions: AllSessionsSection = Field(default_factory=lambda: AllSessionsSection.model_validate({}))
    guests: GuestsSection = GuestsSection.model_construct()
    files: FilesSection = FilesSection.model_construct()
    encoding: EncodingSection = EncodingSection.model_construct()
    sign_in: SignInSection = SignInSection.model_construct()
    authenticators: dict[AuthenticatorId, Authenticator] = Field(default_factory=dict)
    audit: AuditSection = AuditSection.model_construct()
    metrics: MetricsSection = MetricsSection.model_construct()
    desktops: dict[DesktopId, Desktop] = Field(default_factory=_default_desktops)
