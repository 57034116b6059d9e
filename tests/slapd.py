"""An OpenLDAP server of a test's own: Debian's slapd, no root, ports of the loopback, a folder of its own."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import ldap3

from tests.certificates import Authority

PATIENCE = 60
BASE = "dc=example,dc=org"
ROOT = f"cn=root,{BASE}"
ROOT_PASSWORD = "the root of all"
READER = f"cn=reader,{BASE}"
READER_PASSWORD = "one who reads"
PASSWORD = "swordfish of the directory"
_SETTINGS = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/pid
argsfile {folder}/args
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
sizelimit {sizelimit}
database mdb
suffix "{base}"
rootdn "{root}"
rootpw "{password}"
directory {folder}/data
maxsize 67108864
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by self read by users search by anonymous auth
"""


class Slapd:
    """One server, with the people ada and bob, the group staff (ada), and a reader who may search."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tsg-ldap-"))
        (self.folder / "data").mkdir()
        self.authority = Authority(self.folder)
        certificate, key = self.authority.server("localhost")
        self.port, self.tls_port = _free_port(), _free_port()
        values = {
            "folder": self.folder,
            "authority": self.authority.file,
            "certificate": certificate,
            "key": key,
        }
        values |= {"base": BASE, "root": ROOT, "password": ROOT_PASSWORD, "reader": READER, "sizelimit": 3000}
        self._configuration = self.folder / "slapd.conf"
        self._configuration.write_text(_SETTINGS.format_map(values))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Slapd:
        program = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert program, "slapd is not installed: apt-get install slapd"
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "-h", urls, "-f", str(self._configuration), "-d", "0"], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self

    def fill(self) -> Slapd:
        """Put in who is there at first."""
        self.add(BASE, ["dcObject", "organization"], dc="example", o="Example")
        self.add(READER, ["organizationalRole", "simpleSecurityObject"], userPassword=READER_PASSWORD)
        for unit in ("People", "Groups"):
            self.add(f"ou={unit},{BASE}", ["organizationalUnit"])
        for name, shown in (("ada", "Ada Lovelace"), ("bob", "Bob B.")):
            self.person(name, shown)
        self.group("staff", "ada")
        return self

    def person(self, name: str, shown: str, **more: object) -> None:
        attributes = {"cn": shown, "sn": shown, "userPassword": PASSWORD, **more}
        self.add(self.dn(name), ["inetOrgPerson"], **attributes)

    def group(self, name: str, *members: str) -> None:
        dn = f"cn={name},ou=Groups,{BASE}"
        self.add(dn, ["groupOfNames"], member=[self.dn(member) for member in members])

    def add(self, dn: str, classes: list[str], **attributes: object) -> None:
        with self.root() as connection:
            assert connection.add(dn, classes, attributes), connection.result

    @contextlib.contextmanager
    def root(self):
        server = ldap3.Server("127.0.0.1", self.port, get_info=ldap3.NONE)
        with ldap3.Connection(server, ROOT, ROOT_PASSWORD, auto_bind=True) as connection:
            yield connection

    @staticmethod
    def dn(name: str) -> str:
        return f"uid={name},ou=People,{BASE}"

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.tls_port), 1):
            return True
        return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
