"""The operations of the API, made from its routes (api/client_source). Not to be edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NotRequired, TypedDict, cast
from urllib.parse import quote

from tsgateway.client.unset import UNSET, Unset


def _segment(text: object) -> str:
    return quote(str(text), safe="")


class AuditCheck(TypedDict):
    """How a check stands. state: running, good, damaged or failed; lines: read so far.

    more: findings left out; retired: so many records were retired, by rule; unsigned: records at the end
    without a checkpoint behind them.
    """
    state: str
    began: float
    lines: int
    failed: str
    findings: list[AuditFinding]
    more: int
    first: int
    last: int
    retired: int
    checkpoints: int
    unsigned: int


class AuditFinding(TypedDict):
    """One place where the audit is not as it was written (docs/audit.md)."""
    what: str
    segment: str
    line: int
    seq: int
    last: int
    expected: str
    text: str


class AuditKey(TypedDict):
    """The public key that checkpoints are signed for, as PEM."""
    key: str


class AuditPage(TypedDict):
    """Records, the newest first. next: what to ask for `before` of to go on; null at the end."""
    records: list[AuditRecord]
    next: int | None


class AuditRecord(TypedDict):
    """Something that was noted. prev: the hash of the record before it."""
    seq: int
    time: str
    kind: str
    who: str
    address: str
    target: str
    outcome: str
    details: dict[str, Any]
    prev: str


class Begun(TypedDict):
    """An upload. offset: where it goes on; sha256: of the bytes before that, to compare them."""
    id: str
    offset: int
    sha256: str


class Connected(TypedDict):
    """The way in: a ticket for one viewer, once, within 30 seconds; with status 202 a turn to wait with."""
    session: NotRequired[str | None]
    ticket: NotRequired[str | None]
    waiting: NotRequired[Turn | None]


class Desktops(TypedDict):
    """The desktops one may open."""
    desktops: list[Published]


class Disk(TypedDict):
    """A disk kept for somebody. bytes: what they have written; problem: "" while it is fine."""
    desktop: str
    user: str
    image: str
    version: str
    made: float
    bytes: int
    in_use: bool
    problem: str


class Disks(TypedDict):
    """The disks of personal desktops."""
    disks: list[Disk]


class Done(TypedDict):
    """What a command did. code: its exit code, negative for a signal; out, err: what it wrote, base64."""
    code: int
    out: str
    err: str


class Explanation(TypedDict):
    """What would be decided, and why. lines: all of it, for people; at: the Unix time it is about."""
    allowed: bool
    lines: list[str]
    at: float
    tried: list[TriedPolicy]
    redirections: Redirections
    limits: Limits


class FileItem(TypedDict):
    """A file or folder. bytes: 0 for a folder; changed: Unix time."""
    name: str
    folder: bool
    bytes: int
    changed: float


class Folder(TypedDict):
    """A folder. used, quota: bytes of all the person's shared folders, and how many there may be (0: any).

    mounted: whether the desktop shows the folder now.
    """
    path: str
    files: list[FileItem]
    unfinished: list[Unfinished]
    used: int
    quota: int
    mounted: bool


class Granted(TypedDict):
    """A role somebody has; desktop: null for all. actions: what it lets one do, for pages that offer it."""
    role: str
    desktop: str | None
    actions: list[str]


class Group(TypedDict):
    """A group. members: how many accounts are in it."""
    name: str
    description: str
    created: float
    members: int


class Groups(TypedDict):
    """Groups, by name."""
    groups: list[Group]


class GuestInfo(TypedDict):
    """What a guest says of itself. time: its clock, Unix time."""
    os: str
    version: str
    host_name: str
    addresses: list[str]
    agent: str
    time: float


class Health(TypedDict):
    """That the gateway answers."""
    status: str


class History(TypedDict):
    """A page of them, the newest first. after: what the next page is asked for with; null at the end."""
    sessions: list[PastSession]
    after: str | None


class Host(TypedDict):
    """A session host. mode: whom it takes on; points, reason: what placing thinks of it for a new session."""
    host: int
    state: str
    mode: str
    weight: int
    sessions: int
    points: float
    reason: str


class Hosts(TypedDict):
    """The hosts, the one that gets the next session first. mode: the whole gateway's."""
    hosts: list[Host]
    mode: str


class ImageItem(TypedDict):
    """A guest image. used_by: what is made from it, in words; warm: whether guests start from it at once."""
    name: str
    kind: str
    version: str
    memory_mb: int
    bytes: int
    used_by: list[str]
    warm: bool


class Images(TypedDict):
    """The images. broken: what lies among them and is none, in words."""
    images: list[ImageItem]
    broken: list[str]


class InvitationOf(TypedDict):
    """An invitation. guests: who has come by it, in the order they came."""
    id: str
    session: str
    desktop: str
    user: str
    control: bool
    anybody: bool
    ask: bool
    uses: int
    created: float
    expires: float
    guests: list[str]


class InvitationsOf(TypedDict):
    """Invitations, the newest first."""
    invitations: list[InvitationOf]


class Invited(TypedDict):
    """What an invitation is for. needs: "sign-in" or "name" where it takes that, else ""."""
    by: str
    title: str
    control: bool
    ask: bool
    expires: float
    needs: str


class InvitedTicket(TypedDict):
    """A ticket to look on with, within 30 seconds. again: for the next trade, after a cut."""
    ticket: str
    again: str
    session: str
    title: str
    by: str
    control: bool


class Limits(TypedDict):
    """Minutes that one may be without input, and connected; 0: as the desktop's rules say."""
    idle_minutes: NotRequired[float]
    session_minutes: NotRequired[float]


class LookTicket(TypedDict):
    """A ticket to look on with, within 30 seconds; "" for who has not signed in. url: the page for it."""
    ticket: str
    session: str
    user: str
    url: str


class MadeInvitation(TypedDict):
    """One that was made. path: where it leads, below the gateway's address; it is told this once."""
    id: str
    session: str
    desktop: str
    user: str
    control: bool
    anybody: bool
    ask: bool
    uses: int
    created: float
    expires: float
    guests: list[str]
    path: str


class MadeToken(TypedDict):
    """A token that was made. secret: what it is used with; it is told this once."""
    id: str
    user: str
    name: str
    roles: list[str] | None
    read_only: bool
    created: float
    expires: float | None
    used: float | None
    secret: str


class MadeUser(TypedDict):
    """An account that was made. password: the random one, else null."""
    name: str
    display_name: str
    groups: list[str]
    enabled: bool
    source: str
    source_key: str | None
    must_change: bool
    totp: bool
    created: float
    password: str | None


class Me(TypedDict):
    """Who asks; null for a stranger."""
    user: Person | None


class Members(TypedDict):
    """Who is in a group, by name."""
    members: list[str]


class Moved(TypedDict):
    """The viewers that were told, by name."""
    viewers: list[str]


class NextStep(TypedDict):
    """What a sign-in still needs.

    challenge: to be sent with the answer. secret, uri, qr (an SVG picture): of a second factor that is to be
    set up; else empty.
    """
    challenge: str
    step: Literal['code', 'enrol', 'password']
    secret: str
    uri: str
    qr: str


class Outcome(TypedDict):
    """How a sign-in stands: who it is once it is done, else the next step.

    recovery_codes: made on the way; they are not shown again.
    """
    user: Person | None
    next: NextStep | None
    recovery_codes: list[str]


class OwnAccount(TypedDict):
    """One's account.

    method: how one has signed in this time. recovery_codes: how many are left, null without a second factor.
    """
    name: str
    display_name: str
    groups: list[str]
    source: str
    method: str
    totp: bool
    totp_required: bool
    recovery_codes: int | None


class OwnSession(TypedDict):
    """A session of one's own. started, since (of its state): Unix times; progress: percent of a start."""
    id: str
    number: int
    state: str
    viewers: int
    started: float | None
    since: float | None
    progress: int | None
    text: str | None


class Password(TypedDict):
    """A random password, told once; null where one was given."""
    password: str | None


class PastDecision(TypedDict):
    """What a reference number stands for. at: a Unix time."""
    reference: str
    at: float
    user: str
    groups: list[str]
    address: str
    method: str
    door: str
    desktop: str
    allowed: bool
    why: str
    tried: list[TriedPolicy]


class PastSession(TypedDict):
    """A session that has been, or runs. ended: null while it runs; reason: why it ended."""
    id: str
    user: str
    desktop: str
    host: str
    address: str
    state: str
    began: float
    since: float
    ended: float | None
    reason: str


class Person(TypedDict):
    """Who has signed in."""
    name: str
    groups: list[str]
    roles: list[Granted]


class PolicyItem(TypedDict):
    """A policy. policy: every field of its kind; changed: a Unix time, 0 for one that was always there."""
    id: str
    policy: dict[str, Any]
    changed: float
    changed_by: str


class PolicyList(TypedDict):
    """All policies, each kind in its order. revision: counts changes."""
    revision: int
    policies: list[PolicyItem]


class Pool(TypedDict):
    """A desktop as operators see it. max: 0 without one; wanted, ready, starting: guests for nobody yet."""
    desktop: str
    title: str
    kind: str
    users: list[str]
    groups: list[str]
    wanted: int
    ready: int
    starting: int
    in_use: int
    max: int
    trouble: str


class Pools(TypedDict):
    """The desktops that are published, and what stands ready for them."""
    desktops: list[Pool]


class ProcessEnded(TypedDict):
    """A process has ended. forced: it did not when it was asked to, and was killed."""
    forced: bool


class ProcessesOf(TypedDict):
    """The processes of a session: of a machine that many share only its person's own."""
    processes: list[RunningProcess]


class Published(TypedDict):
    """A desktop one may open. session: one's newest of it; single: whether one has only one.

    used: when a session of one's own was last seen running, a Unix time; null when none is remembered.
    """
    id: str
    title: str
    description: str
    kind: str
    session: OwnSession | None
    sessions: list[OwnSession]
    single: bool
    favourite: bool
    used: float | None


class Reached(TypedDict):
    """offset: how many bytes are there now."""
    offset: int


class Read(TypedDict):
    """What has become of a message.

    answer: ok (it was read), timeout, disconnected (nobody is there who could see it), gone (the session has
    ended), failed (error says why); "" when nobody waited for that.
    """
    session: str
    user: str
    answer: str
    error: NotRequired[str]


class ReadByMany(TypedDict):
    """What has become of it in each session."""
    messages: list[Read]


class RecoveryCodes(TypedDict):
    """Each lets one in once without the app. They are not shown again."""
    recovery_codes: list[str]


class Redirections(TypedDict):
    """What may go between a session and the person's own machine; in: into the session."""
    clipboard_in: NotRequired[bool]
    clipboard_out: NotRequired[bool]
    files: NotRequired[bool]
    audio: NotRequired[bool]
    printing: NotRequired[bool]


class RoleItem(TypedDict):
    """A role that somebody has. One of user and group is null."""
    id: int
    role: str
    user: str | None
    group: str | None
    desktop: str | None


class RoleList(TypedDict):
    """The roles that were given. Members of the group `administrators` are owners beside that."""
    roles: list[RoleItem]


class RunningProcess(TypedDict):
    """A process in a guest. seconds: it runs for; memory: bytes; parent, seconds: 0 where not known."""
    pid: int
    parent: int
    user: str
    name: str
    seconds: int
    cpu_seconds: int
    memory: int


class RunningSession(TypedDict):
    """A session that runs. number: a short one for people; host: the session host's number.

    name, address: of the viewer of its person that came last, `web#3`; "" while nobody is connected.
    state: starting, active, connected, idle or disconnected; started, since (of that state), idle_since:
    Unix times, idle_since 0 where that does not apply; progress: percent of a start; text: of a start, or
    what is wrong.
    """
    id: str
    number: int
    name: str
    address: str
    user: str
    desktop: str
    title: str
    kind: str
    host: int
    state: str
    viewers: int
    started: float
    since: float
    idle_since: float
    progress: int | None
    text: str


class RunningSessions(TypedDict):
    """Sessions that run, by number."""
    sessions: list[RunningSession]


class SessionInvitations(TypedDict):
    """Those to one session. allowed: whom its person may invite, off, signed-in or anybody."""
    invitations: list[InvitationOf]
    allowed: str


class Setup(TypedDict):
    """A second factor to be set up, for an app: as text, as an address, as a picture (SVG)."""
    secret: str
    uri: str
    qr: str


class SignInRow(TypedDict):
    """A sign-in. method: as "password+totp" or "oidc:corp"; current: it is the one that asks."""
    id: str
    created: float
    used: float
    method: str
    address: str
    current: bool


class SignInRows(TypedDict):
    """Sign-ins, the latest first."""
    sign_ins: list[SignInRow]


class Statistics(TypedDict):
    """Where a session's time goes; docs/latency.md tells what the figures mean."""
    session: str
    user: str
    desktop: str
    title: str
    state: int
    stages: dict[str, Any]
    frames: int
    refinements: int
    encodings: dict[str, Any]
    viewers: list[dict[str, Any]]


class StoredFile(TypedDict):
    """A file. path: where it is; one whose name was taken has got another one."""
    path: str
    bytes: int
    sha256: str


class Ticket(TypedDict):
    """A ticket: attaches one viewer, once, within 30 seconds."""
    ticket: str


class Token(TypedDict):
    """A token. expires, used: null for never."""
    id: str
    user: str
    name: str
    roles: list[str] | None
    read_only: bool
    created: float
    expires: float | None
    used: float | None


class Tokens(TypedDict):
    """Tokens, the newest first."""
    tokens: list[Token]


class TriedPolicy(TypedDict):
    """A policy that was tried. policy: its id; why: the condition that settled it, or all that hold."""
    kind: str
    policy: str
    name: str
    outcome: str
    why: str


class Turn(TypedDict):
    """It is not yet one's turn. turn: what to ask again with; before: how many people come first."""
    turn: str
    before: int


class Unfinished(TypedDict):
    """An upload that was not finished. offset: how many of its bytes are there."""
    id: str
    path: str
    bytes: int
    changed: float
    offset: int


class User(TypedDict):
    """An account. source: who checks it, "local" or an authenticator; totp: it has a second factor."""
    name: str
    display_name: str
    groups: list[str]
    enabled: bool
    source: str
    source_key: str | None
    must_change: bool
    totp: bool
    created: float


class Users(TypedDict):
    """Accounts, by name."""
    users: list[User]


class Viewer(TypedDict):
    """A viewer that is attached. name: its door and number; shadow: "", "view" or "control"; invitation: by
    which one, "" for none.
    """
    number: int
    name: str
    user: str
    address: str
    door: str
    client: str
    since: float
    shadow: str
    invitation: str


class ViewersOf(TypedDict):
    """Who is attached to a session, in the order they came."""
    viewers: list[Viewer]


class Way(TypedDict):
    """A provider that people may sign in by. Their browser goes to /api/v1/login/oidc/ID."""
    id: str
    title: str


class Ways(TypedDict):
    """How one can sign in here, beside a name and a password."""
    providers: list[Way]


class When(TypedDict):
    """Times, as clocks in a zone show them: `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00`."""
    zone: str
    times: list[str]


class Whither(TypedDict):
    """Where the browser goes next: to the program, with a code that is good for a minute."""
    location: str


class Operations:
    """One method for each route; a subclass knows how to ask. Every one raises ClientError."""

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        raise NotImplementedError

    def _read(self, method: str, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        raise NotImplementedError

    def _put(self, method: str, path: str, data: bytes, query: Mapping[str, Any] | None = None) -> Any:
        raise NotImplementedError

    def _lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        raise NotImplementedError

    def search_audit(self, *, since: str | Unset = UNSET, until: str | Unset = UNSET, who: str | Unset = UNSET, kind: str | Unset = UNSET, target: str | Unset = UNSET, outcome: str | Unset = UNSET, text: str | Unset = UNSET, before: int | None | Unset = UNSET, limit: int | Unset = UNSET) -> AuditPage:
        """Look for records, the newest first."""
        return cast("AuditPage", self._ask("GET", "/api/v1/audit", query={"since": since, "until": until, "who": who, "kind": kind, "target": target, "outcome": outcome, "text": text, "before": before, "limit": limit}))

    def export_audit(self, *, since: str | Unset = UNSET, until: str | Unset = UNSET, who: str | Unset = UNSET, kind: str | Unset = UNSET, target: str | Unset = UNSET, outcome: str | Unset = UNSET, form: str | Unset = UNSET, after: int | Unset = UNSET) -> Iterator[str]:
        """Give all records that fit, the oldest first, one a line."""
        return self._lines("/api/v1/audit/export", query={"since": since, "until": until, "who": who, "kind": kind, "target": target, "outcome": outcome, "form": form, "after": after})

    def verify_audit(self) -> AuditCheck:
        """Begin to check the whole audit; how it stands is asked for with GET."""
        return cast("AuditCheck", self._ask("POST", "/api/v1/audit/verify"))

    def show_audit_check(self) -> AuditCheck:
        """Tell how the last check stands."""
        return cast("AuditCheck", self._ask("GET", "/api/v1/audit/verify"))

    def show_audit_key(self) -> AuditKey:
        """Give the public key; kept elsewhere, it shows whether the audit was made anew with another one."""
        return cast("AuditKey", self._ask("GET", "/api/v1/audit/key"))

    def describe(self) -> dict[str, Any]:
        """Describe the API."""
        return cast("dict[str, Any]", self._ask("GET", "/api/openapi.json"))

    def health(self) -> Health:
        """Tell that the gateway answers."""
        return cast("Health", self._ask("GET", "/api/v1/health"))

    def who_am_i(self) -> Me:
        """Tell who asks."""
        return cast("Me", self._ask("GET", "/api/v1/me"))

    def ways_to_sign_in(self) -> Ways:
        """List the providers that people may sign in by."""
        return cast("Ways", self._ask("GET", "/api/v1/login/methods"))

    def sign_in(self, *, name: str, password: str) -> Outcome:
        """Check a name and a password, and give a cookie or name the next step."""
        return cast("Outcome", self._ask("POST", "/api/v1/login", body={"name": name, "password": password}))

    def answer_step(self, *, challenge: str, code: str | Unset = UNSET, recovery: str | Unset = UNSET, password: str | Unset = UNSET) -> Outcome:
        """Take the answer to a step, and give a cookie or name the next step."""
        return cast("Outcome", self._ask("POST", "/api/v1/login/second", body={"challenge": challenge, "code": code, "recovery": recovery, "password": password}))

    def show_step(self, *, challenge: str) -> Outcome:
        """Tell what a half-done sign-in needs: for who comes back from a provider."""
        return cast("Outcome", self._ask("POST", "/api/v1/login/step", body={"challenge": challenge}))

    def sign_out(self) -> None:
        """End the sign-in and what was opened by it."""
        self._ask("POST", "/api/v1/logout")

    def go_to_provider(self, id: object) -> bytes:
        """Send a browser to a provider."""
        return self._read("GET", f"/api/v1/login/oidc/{_segment(id)}")

    def return_from_provider(self, id: object) -> bytes:
        """Take a browser back from a provider."""
        return self._read("GET", f"/api/v1/oidc/{_segment(id)}/callback")

    def hand_over(self, *, redirect: str, state: str, challenge: str, client: str) -> Whither:
        """Hand this sign-in over to a program on the person's machine, when the person has agreed."""
        return cast("Whither", self._ask("POST", "/api/v1/hand-over", body={"redirect": redirect, "state": state, "challenge": challenge, "client": client}))

    def take_over(self, *, code: str, verifier: str, redirect: str) -> Outcome:
        """Trade a code that the browser has brought for a sign-in; its cookie comes with the answer."""
        return cast("Outcome", self._ask("POST", "/api/v1/login/hand-over", body={"code": code, "verifier": verifier, "redirect": redirect}))

    def own_account(self) -> OwnAccount:
        """Tell about one's own account."""
        return cast("OwnAccount", self._ask("GET", "/api/v1/account"))

    def change_password(self, *, old: str, new: str) -> None:
        """Change one's own password. Other sign-ins end."""
        self._ask("POST", "/api/v1/account/password", body={"old": old, "new": new})

    def begin_totp(self, *, password: str) -> Setup:
        """Begin to set up a second factor."""
        return cast("Setup", self._ask("POST", "/api/v1/account/totp", body={"password": password}))

    def confirm_totp(self, *, code: str) -> RecoveryCodes:
        """Confirm the second factor with a code. The recovery codes are told this once."""
        return cast("RecoveryCodes", self._ask("POST", "/api/v1/account/totp/confirm", body={"code": code}))

    def remove_totp(self, *, code: str | Unset = UNSET, recovery: str | Unset = UNSET) -> None:
        """Remove one's own second factor, by a code or a recovery code."""
        self._ask("POST", "/api/v1/account/totp/remove", body={"code": code, "recovery": recovery})

    def renew_recovery_codes(self, *, code: str) -> RecoveryCodes:
        """Make new recovery codes in place of the old ones, by a code."""
        return cast("RecoveryCodes", self._ask("POST", "/api/v1/account/totp/recovery", body={"code": code}))

    def own_sign_ins(self) -> SignInRows:
        """List one's own sign-ins."""
        return cast("SignInRows", self._ask("GET", "/api/v1/account/sign-ins"))

    def end_other_sign_ins(self) -> None:
        """End one's own sign-ins but this one."""
        self._ask("DELETE", "/api/v1/account/sign-ins")

    def end_own_sign_in(self, id: object) -> None:
        """End one of one's own sign-ins."""
        self._ask("DELETE", f"/api/v1/account/sign-ins/{_segment(id)}")

    def list_users(self) -> Users:
        """List accounts."""
        return cast("Users", self._ask("GET", "/api/v1/users"))

    def make_user(self, *, name: str, display_name: str | Unset = UNSET, groups: list[str] | Unset = UNSET, password: str | None | Unset = UNSET, must_change: bool | Unset = UNSET, source: str | Unset = UNSET, source_key: str | None | Unset = UNSET) -> MadeUser:
        """Make an account. A random password is told this once."""
        return cast("MadeUser", self._ask("POST", "/api/v1/users", body={"name": name, "display_name": display_name, "groups": groups, "password": password, "must_change": must_change, "source": source, "source_key": source_key}))

    def get_user(self, id: object) -> User:
        """Tell about an account."""
        return cast("User", self._ask("GET", f"/api/v1/users/{_segment(id)}"))

    def change_user(self, id: object, *, display_name: str | None | Unset = UNSET, enabled: bool | None | Unset = UNSET, must_change: bool | None | Unset = UNSET, source: str | None | Unset = UNSET, source_key: str | None | Unset = UNSET) -> User:
        """Change an account."""
        return cast("User", self._ask("PATCH", f"/api/v1/users/{_segment(id)}", body={"display_name": display_name, "enabled": enabled, "must_change": must_change, "source": source, "source_key": source_key}))

    def delete_user(self, id: object) -> None:
        """Delete an account."""
        self._ask("DELETE", f"/api/v1/users/{_segment(id)}")

    def set_password(self, id: object, *, password: str | None | Unset = UNSET, must_change: bool | Unset = UNSET) -> Password:
        """Set an account's password; it is signed out everywhere. A random one is told this once."""
        return cast("Password", self._ask("POST", f"/api/v1/users/{_segment(id)}/password", body={"password": password, "must_change": must_change}))

    def remove_user_totp(self, id: object) -> None:
        """Remove an account's second factor."""
        self._ask("DELETE", f"/api/v1/users/{_segment(id)}/totp")

    def user_sign_ins(self, id: object) -> SignInRows:
        """List an account's sign-ins."""
        return cast("SignInRows", self._ask("GET", f"/api/v1/users/{_segment(id)}/sign-ins"))

    def end_user_sign_ins(self, id: object) -> None:
        """End all of an account's sign-ins."""
        self._ask("DELETE", f"/api/v1/users/{_segment(id)}/sign-ins")

    def list_groups(self) -> Groups:
        """List groups."""
        return cast("Groups", self._ask("GET", "/api/v1/groups"))

    def make_group(self, *, name: str, description: str | Unset = UNSET) -> None:
        """Make a group."""
        self._ask("POST", "/api/v1/groups", body={"name": name, "description": description})

    def change_group(self, id: object, *, description: str) -> None:
        """Change a group's description."""
        self._ask("PATCH", f"/api/v1/groups/{_segment(id)}", body={"description": description})

    def delete_group(self, id: object) -> None:
        """Delete a group; its members stay."""
        self._ask("DELETE", f"/api/v1/groups/{_segment(id)}")

    def list_members(self, id: object) -> Members:
        """List who is in a group."""
        return cast("Members", self._ask("GET", f"/api/v1/groups/{_segment(id)}/members"))

    def add_member(self, id: object, user: object) -> None:
        """Put an account into a group."""
        self._ask("PUT", f"/api/v1/groups/{_segment(id)}/members/{_segment(user)}")

    def remove_member(self, id: object, user: object) -> None:
        """Take an account out of a group."""
        self._ask("DELETE", f"/api/v1/groups/{_segment(id)}/members/{_segment(user)}")

    def list_desktops(self) -> Desktops:
        """List the desktops one may open, and one's sessions of them."""
        return cast("Desktops", self._ask("GET", "/api/v1/desktops"))

    def mark_desktop(self, id: object) -> None:
        """Make a desktop one of one's favourites, which the portal shows first."""
        self._ask("PUT", f"/api/v1/desktops/{_segment(id)}/favourite")

    def unmark_desktop(self, id: object) -> None:
        """Take a desktop out of one's favourites."""
        self._ask("DELETE", f"/api/v1/desktops/{_segment(id)}/favourite")

    def connect_desktop(self, id: object, *, width: int | Unset = UNSET, height: int | Unset = UNSET, turn: str | Unset = UNSET) -> Connected:
        """Start a session, or find the one there is, and give a ticket for it."""
        return cast("Connected", self._ask("POST", f"/api/v1/desktops/{_segment(id)}/connect", body={"width": width, "height": height, "turn": turn}))

    def connection_file(self, id: object) -> bytes:
        """Give a connection file for the native client: where the desktop is, and as whom. It holds no secret."""
        return self._read("GET", f"/api/v1/desktops/{_segment(id)}/connection-file")

    def list_sessions(self, *, user: str | None | Unset = UNSET, desktop: str | None | Unset = UNSET, idle: bool | Unset = UNSET) -> RunningSessions:
        """List the sessions that run: one's own, and those one's roles let one see."""
        return cast("RunningSessions", self._ask("GET", "/api/v1/sessions", query={"user": user, "desktop": desktop, "idle": idle}))

    def list_history(self, *, after: str | None | Unset = UNSET, limit: int | Unset = UNSET, user: str | None | Unset = UNSET, desktop: str | None | Unset = UNSET, since: float | None | Unset = UNSET) -> History:
        """List the sessions that have been, in pages: one's own, and with the right role everybody's."""
        return cast("History", self._ask("GET", "/api/v1/history", query={"after": after, "limit": limit, "user": user, "desktop": desktop, "since": since}))

    def get_session(self, id: object) -> RunningSession:
        """Tell of one session that runs."""
        return cast("RunningSession", self._ask("GET", f"/api/v1/sessions/{_segment(id)}"))

    def new_ticket(self, id: object) -> Ticket:
        """Give a ticket for another viewer of one's session."""
        return cast("Ticket", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/ticket"))

    def disconnect_session(self, id: object) -> None:
        """Disconnect a session"""
        self._ask("POST", f"/api/v1/sessions/{_segment(id)}/disconnect")

    def log_off_session(self, id: object) -> None:
        """Log a session off"""
        self._ask("POST", f"/api/v1/sessions/{_segment(id)}/log-off")

    def reset_session(self, id: object) -> None:
        """End a session and its guest at once"""
        self._ask("POST", f"/api/v1/sessions/{_segment(id)}/reset")

    def session_statistics(self, id: object) -> Statistics:
        """Tell where a session's time goes."""
        return cast("Statistics", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/stats"))

    def session_guest(self, id: object) -> GuestInfo:
        """Tell what a session's guest is."""
        return cast("GuestInfo", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/guest"))

    def run_in_guest(self, id: object, *, command: list[str], input: str | Unset = UNSET, seconds: float | Unset = UNSET) -> Done:
        """Run a command in a session's guest, as its administrator."""
        return cast("Done", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/run", body={"command": command, "input": input, "seconds": seconds}))

    def send_messages(self, *, text: str, title: str | Unset = UNSET, seconds: int | Unset = UNSET, wait: bool | Unset = UNSET, sessions: list[str] | Unset = UNSET, user: str | None | Unset = UNSET, everybody: bool | Unset = UNSET) -> ReadByMany:
        """Show the people of several sessions a message."""
        return cast("ReadByMany", self._ask("POST", "/api/v1/sessions/message", body={"text": text, "title": title, "seconds": seconds, "wait": wait, "sessions": sessions, "user": user, "everybody": everybody}))

    def send_message(self, id: object, *, text: str, title: str | Unset = UNSET, seconds: int | Unset = UNSET, wait: bool | Unset = UNSET) -> Read:
        """Show the people of a session a message."""
        return cast("Read", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/message", body={"text": text, "title": title, "seconds": seconds, "wait": wait}))

    def shadow_session(self, id: object, *, control: bool | Unset = UNSET, consent: bool | Unset = UNSET) -> LookTicket:
        """Look on at a session: its rules decide whether its person is asked first."""
        return cast("LookTicket", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/shadow", body={"control": control, "consent": consent}))

    def move_session(self, id: object, *, viewer: int | None | Unset = UNSET, session: str | None | Unset = UNSET) -> Moved:
        """Show a session to viewers that look at another one."""
        return cast("Moved", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/move", body={"viewer": viewer, "session": session}))

    def list_viewers(self, id: object) -> ViewersOf:
        """List who is attached to a session."""
        return cast("ViewersOf", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/viewers"))

    def list_processes(self, id: object) -> ProcessesOf:
        """List the processes in a session's guest."""
        return cast("ProcessesOf", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/processes"))

    def end_process(self, id: object, pid: object) -> ProcessEnded:
        """End a process in a session's guest: ask it first, then kill it."""
        return cast("ProcessEnded", self._ask("DELETE", f"/api/v1/sessions/{_segment(id)}/processes/{_segment(pid)}"))

    def get_thumbnail(self, id: object, *, width: int | Unset = UNSET) -> bytes:
        """Give a small picture of a session's screen, as it is or was when somebody looked last.

        Whoever has it already (If-None-Match) is told so with status 304.
        """
        return self._read("GET", f"/api/v1/sessions/{_segment(id)}/thumbnail", query={"width": width})

    def list_files(self, id: object, *, path: str | Unset = UNSET) -> Folder:
        """List a folder that a session's desktop shares with its person."""
        return cast("Folder", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/files", query={"path": path}))

    def delete_file(self, id: object, *, path: str | Unset = UNSET) -> None:
        """Delete a file, or a folder with all that is in it."""
        self._ask("DELETE", f"/api/v1/sessions/{_segment(id)}/files", query={"path": path})

    def make_folder(self, id: object, *, path: str, folder: str | Unset = UNSET) -> None:
        """Make a folder."""
        self._ask("POST", f"/api/v1/sessions/{_segment(id)}/files/folder", body={"folder": folder, "path": path})

    def rename_file(self, id: object, *, path: str, name: str, folder: str | Unset = UNSET) -> None:
        """Move a file or folder, or give it another name."""
        self._ask("POST", f"/api/v1/sessions/{_segment(id)}/files/name", body={"path": path, "folder": folder, "name": name})

    def download_file(self, id: object, *, path: str | Unset = UNSET) -> bytes:
        """Download a file, or a part of it (Range, as RFC 9110 has it; one range)."""
        return self._read("GET", f"/api/v1/sessions/{_segment(id)}/files/content", query={"path": path})

    def get_checksum(self, id: object, *, path: str | Unset = UNSET) -> StoredFile:
        """Return the SHA-256 of a file, which is read for it."""
        return cast("StoredFile", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/files/checksum", query={"path": path}))

    def begin_upload(self, id: object, *, path: str, size: int, folder: str | Unset = UNSET, changed: float | Unset = UNSET) -> Begun:
        """Begin an upload, or go on with the same one: what has come of it is there for some days."""
        return cast("Begun", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/files/uploads", body={"folder": folder, "path": path, "size": size, "changed": changed}))

    def send_piece(self, id: object, upload: object, data: bytes, *, offset: int) -> Reached:
        """Add a piece of up to 4 MiB to an upload; one that does not follow on what is there is refused."""
        return cast("Reached", self._put("PUT", f"/api/v1/sessions/{_segment(id)}/files/uploads/{_segment(upload)}", data, query={"offset": offset}))

    def finish_upload(self, id: object, upload: object, *, sha256: str) -> StoredFile:
        """Let an upload become a file, under a name that is free, if it is what was sent."""
        return cast("StoredFile", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/files/uploads/{_segment(upload)}/end", body={"sha256": sha256}))

    def cancel_upload(self, id: object, upload: object) -> None:
        """Give an upload up."""
        self._ask("DELETE", f"/api/v1/sessions/{_segment(id)}/files/uploads/{_segment(upload)}")

    def make_invitation(self, id: object, *, control: bool | Unset = UNSET, anybody: bool | Unset = UNSET, ask: bool | Unset = UNSET, minutes: float | Unset = UNSET, uses: int | Unset = UNSET) -> MadeInvitation:
        """Make an invitation to a session of one's own. Its link is told this once."""
        return cast("MadeInvitation", self._ask("POST", f"/api/v1/sessions/{_segment(id)}/invitations", body={"control": control, "anybody": anybody, "ask": ask, "minutes": minutes, "uses": uses}))

    def list_session_invitations(self, id: object) -> SessionInvitations:
        """List the invitations to a session, and whom its person may invite."""
        return cast("SessionInvitations", self._ask("GET", f"/api/v1/sessions/{_segment(id)}/invitations"))

    def list_invitations(self) -> InvitationsOf:
        """List the invitations to all sessions that one may list."""
        return cast("InvitationsOf", self._ask("GET", "/api/v1/invitations"))

    def look_at_invitation(self, *, secret: str) -> Invited:
        """Tell what an invitation is for, before it is used."""
        return cast("Invited", self._ask("POST", "/api/v1/invitations/look", body={"secret": secret}))

    def trade_invitation(self, *, secret: str, name: str | Unset = UNSET, again: str | Unset = UNSET) -> InvitedTicket:
        """Take an invitation for a ticket."""
        return cast("InvitedTicket", self._ask("POST", "/api/v1/invitations/trade", body={"secret": secret, "name": name, "again": again}))

    def revoke_invitation(self, id: object) -> None:
        """Revoke an invitation. Who has come by it is sent away."""
        self._ask("DELETE", f"/api/v1/invitations/{_segment(id)}")

    def follow_events(self, *, user: str | None | Unset = UNSET) -> Iterator[str]:
        """Tell of sessions as they begin, change and end: those that `GET /api/v1/sessions` would list.

        The first event, `sessions`, has the whole list, as that route has it; so has the next one after `missed`,
        which is asked for anew. Then `session` for one that has begun or changed, `ended` for one that has ended.
        """
        return self._lines("/api/v1/events", query={"user": user})

    def list_hosts(self, *, desktop: str | Unset = UNSET) -> Hosts:
        """List session hosts."""
        return cast("Hosts", self._ask("GET", "/api/v1/hosts", query={"desktop": desktop}))

    def set_host(self, id: object, *, weight: int | None | Unset = UNSET, mode: str | None | Unset = UNSET) -> None:
        """Weigh a session host, or set whom it (or, as `all`, the whole gateway) takes on."""
        self._ask("PATCH", f"/api/v1/hosts/{_segment(id)}", body={"weight": weight, "mode": mode})

    def list_pools(self) -> Pools:
        """List the desktops that are published, and the guests that stand ready for them."""
        return cast("Pools", self._ask("GET", "/api/v1/pools"))

    def list_images(self) -> Images:
        """List guest images."""
        return cast("Images", self._ask("GET", "/api/v1/images"))

    def delete_image(self, id: object) -> None:
        """Remove an image that nothing is made from, and its warm templates."""
        self._ask("DELETE", f"/api/v1/images/{_segment(id)}")

    def list_disks(self) -> Disks:
        """List the disks that are kept for people."""
        return cast("Disks", self._ask("GET", "/api/v1/disks"))

    def delete_disk(self, desktop: object, user: object) -> None:
        """Remove somebody's disk: their next session makes a new one. What they kept on it is lost."""
        self._ask("DELETE", f"/api/v1/disks/{_segment(desktop)}/{_segment(user)}")

    def list_policies(self) -> PolicyList:
        """List all policies, each kind in its order."""
        return cast("PolicyList", self._ask("GET", "/api/v1/policies"))

    def make_policy(self, *, name: str, kind: str, effect: str | Unset = UNSET, enabled: bool | Unset = UNSET, users: list[str] | Unset = UNSET, groups: list[str] | Unset = UNSET, when: When | None | Unset = UNSET, networks: list[str] | Unset = UNSET, methods: list[str] | Unset = UNSET, doors: list[str] | Unset = UNSET, redirections: Redirections | Unset = UNSET, limits: Limits | Unset = UNSET, desktops: list[str] | Unset = UNSET, revision: int | None | Unset = UNSET) -> PolicyItem:
        """Make a policy, the last of its kind."""
        return cast("PolicyItem", self._ask("POST", "/api/v1/policies", body={"name": name, "kind": kind, "effect": effect, "enabled": enabled, "users": users, "groups": groups, "when": when, "networks": networks, "methods": methods, "doors": doors, "redirections": redirections, "limits": limits, "desktops": desktops, "revision": revision}))

    def order_policies(self, *, kind: str, ids: list[str], revision: int | None | Unset = UNSET) -> None:
        """Put the policies of a kind in another order."""
        self._ask("POST", "/api/v1/policies/order", body={"kind": kind, "ids": ids, "revision": revision})

    def explain_policies(self, *, user: str, desktop: str, address: str | Unset = UNSET, at: str | Unset = UNSET, zone: str | Unset = UNSET, method: str | Unset = UNSET, door: str | Unset = UNSET) -> Explanation:
        """Tell whether somebody would get a desktop, and each policy that is tried, as it is or would be then."""
        return cast("Explanation", self._ask("POST", "/api/v1/policies/explain", body={"user": user, "desktop": desktop, "address": address, "at": at, "zone": zone, "method": method, "door": door}))

    def get_decision(self, reference: object) -> PastDecision:
        """Tell what was decided under a reference number."""
        return cast("PastDecision", self._ask("GET", f"/api/v1/policies/decisions/{_segment(reference)}"))

    def get_policy(self, id: object) -> PolicyItem:
        """Show a policy."""
        return cast("PolicyItem", self._ask("GET", f"/api/v1/policies/{_segment(id)}"))

    def change_policy(self, id: object, *, name: str, kind: str, revision: int, effect: str | Unset = UNSET, enabled: bool | Unset = UNSET, users: list[str] | Unset = UNSET, groups: list[str] | Unset = UNSET, when: When | None | Unset = UNSET, networks: list[str] | Unset = UNSET, methods: list[str] | Unset = UNSET, doors: list[str] | Unset = UNSET, redirections: Redirections | Unset = UNSET, limits: Limits | Unset = UNSET, desktops: list[str] | Unset = UNSET) -> PolicyItem:
        """Replace a policy by another one of its kind, at the same place."""
        return cast("PolicyItem", self._ask("PUT", f"/api/v1/policies/{_segment(id)}", body={"name": name, "kind": kind, "effect": effect, "enabled": enabled, "users": users, "groups": groups, "when": when, "networks": networks, "methods": methods, "doors": doors, "redirections": redirections, "limits": limits, "desktops": desktops, "revision": revision}))

    def remove_policy(self, id: object, *, revision: int | None | Unset = UNSET) -> None:
        """Delete a policy."""
        self._ask("DELETE", f"/api/v1/policies/{_segment(id)}", query={"revision": revision})

    def list_roles(self) -> RoleList:
        """List who has which role."""
        return cast("RoleList", self._ask("GET", "/api/v1/roles"))

    def give_role(self, *, role: str, user: str | None | Unset = UNSET, group: str | None | Unset = UNSET, desktop: str | None | Unset = UNSET) -> RoleItem:
        """Give a role to a user or a group."""
        return cast("RoleItem", self._ask("PUT", "/api/v1/roles", body={"role": role, "user": user, "group": group, "desktop": desktop}))

    def take_role(self, id: object) -> None:
        """Take a role away."""
        self._ask("DELETE", f"/api/v1/roles/{_segment(id)}")

    def list_tokens(self, *, user: str | None | Unset = UNSET) -> Tokens:
        """List tokens: one's own, or with the right role anybody's."""
        return cast("Tokens", self._ask("GET", "/api/v1/tokens", query={"user": user}))

    def make_token(self, *, name: str, days: float | None | Unset = UNSET, read_only: bool | Unset = UNSET, roles: list[str] | None | Unset = UNSET, user: str | None | Unset = UNSET) -> MadeToken:
        """Make a token. Its secret is told this once."""
        return cast("MadeToken", self._ask("POST", "/api/v1/tokens", body={"name": name, "days": days, "read_only": read_only, "roles": roles, "user": user}))

    def revoke_token(self, id: object) -> None:
        """Revoke a token: it is good for nothing from then on."""
        self._ask("DELETE", f"/api/v1/tokens/{_segment(id)}")
