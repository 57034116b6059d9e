"""Who else may say who somebody is: directories (LDAP) and OpenID Connect providers, each under a name."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

GROUP_NAME = r"^[a-z0-9][a-z0-9._@-]{0,63}$"

_Path = Annotated[Path, AfterValidator(lambda path: Path(os.path.abspath(path.expanduser())))]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
GroupName = Annotated[str, Field(pattern=GROUP_NAME)]


def is_loopback(host: str | None) -> bool:
    """Tell whether a host is this machine, so that nobody listens on the way."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


class AuthenticatorSection(BaseModel):
    """What every authenticator has, of whichever kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="`ldap`, `oidc`, or a plug-in's.")
    title: str = Field("", max_length=64, description="What people see; its name when empty.")
    create: bool = Field(
        False,
        description="Whether somebody it knows who has no account here gets one at the first sign-in. "
        "Without, an administrator makes accounts and links them.",
    )
    groups: dict[str, GroupName] = Field(
        default_factory=dict,
        json_schema_extra={"shown_default": "`{}`"},
        description="Which of its groups are which here, as "
        '`{"cn=Staff,ou=Groups,dc=example,dc=org" = "staff"}`; case does not matter. Others do not count.',
    )
    second_factor: bool = Field(
        True, description="Whether the gateway's own second factor is asked for after it, where there is one."
    )


class LdapSection(AuthenticatorSection):
    """A directory: LDAP, or Active Directory. People type the name and the password they have there."""

    kind: Literal["ldap"] = Field(description="`ldap`.")
    url: str = Field(description="`ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with StartTLS.")
    insecure: bool = Field(
        False,
        description="Send passwords to an `ldap://` server without TLS. Whoever is on the way reads them.",
    )
    ca_file: _Path | None = Field(
        None, description="PEM file with whom to trust for its certificate; default: whom the system trusts."
    )
    bind_dn: str = Field(
        "", description="As whom to search for people; empty: `user_dn` says where they are, or anonymously."
    )
    bind_password_file: _Path | None = Field(
        None, description="File whose first line is the password of `bind_dn`."
    )
    user_dn: str = Field(
        "",
        description="Where people are, as `uid={name},ou=People,dc=example,dc=org`; for Active Directory "
        "`{name}@corp.example.org` will do. Empty: they are searched for.",
    )
    user_base: str = Field("", description="Where to search for people, as `ou=People,dc=example,dc=org`.")
    user_filter: str = Field(
        "({attribute}={name})",
        description="How people are found; `{attribute}` stands for `name_attribute`, `{name}` for what "
        "was typed.",
    )
    name_attribute: str = Field(
        "uid",
        pattern=r"^[A-Za-z][A-Za-z0-9;-]{0,63}$",
        description="What people type as their name; `sAMAccountName` in Active Directory.",
    )
    display_attribute: str = Field("cn", description="The name that is shown; `displayName` elsewhere.")
    key_attribute: str = Field(
        "entryUUID",
        description="What stays the same for ever; `objectGUID` in Active Directory. Empty: the DN.",
    )
    group_attribute: str = Field(
        "memberOf", description="The attribute of people that names their groups; empty: none."
    )
    group_base: str = Field("", description="Where to search for groups; empty: they are not searched for.")
    group_filter: str = Field(
        "(member={dn})",
        description="Which groups somebody is in; `{dn}` and `{name}` stand for the person. In Active "
        "Directory, groups in groups too: `(member:1.2.840.113556.1.4.1941:={dn})`.",
    )
    timeout_seconds: float = Field(5, gt=0, le=15, description="How long one step may take.")

    @model_validator(mode="after")
    def _fits(self) -> LdapSection:
        parts = urlsplit(self.url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("url should look like ldaps://directory.example.org")
        if self.insecure and parts.scheme == "ldaps":
            raise ValueError("insecure is for ldap:// only")
        if not self.user_dn and not self.user_base:
            raise ValueError("give user_base, where to search for people, or user_dn, where they are")
        if self.user_dn and "=" not in self.user_dn and not self.user_base:
            raise ValueError("user_dn is no DN: give user_base too, where to find what it stands for")
        if self.bind_dn and self.bind_password_file is None:
            raise ValueError(
                "bind_dn needs bind_password_file: binding without a password is binding as nobody"
            )
        for text in (self.user_dn, self.user_filter) if self.user_dn else (self.user_filter,):
            if "{name}" not in text:
                raise ValueError(f"{text} should have {{name}} in it")
        return self


class OidcSection(AuthenticatorSection):
    """An OpenID Connect provider: Keycloak, Entra ID, Google and others. People press a button."""

    kind: Literal["oidc"] = Field(description="`oidc`.")
    issuer: str = Field(
        description="The provider's issuer, exactly as it calls itself, as `https://id.example.org`."
    )
    client_id: str = Field(min_length=1, max_length=255, description="What the provider calls this gateway.")
    client_secret_file: _Path | None = Field(
        None, description="File whose first line is the client's secret; none for a public client."
    )
    ca_file: _Path | None = Field(
        None, description="PEM file with whom to trust for its certificate; default: whom the system trusts."
    )
    scopes: tuple[str, ...] = Field(("openid", "profile", "email"), description="What is asked for.")
    name_claim: str = Field(
        "preferred_username", description="The claim that becomes the name of an account that is made."
    )
    groups_claim: str = Field("groups", description="The claim that lists groups.")
    algorithms: tuple[Algorithm, ...] = Field(
        ("RS256", "PS256", "ES256"), min_length=1, description="How its tokens may be signed."
    )
    second_factor: bool = Field(
        False,
        description="Whether the gateway's second factor is asked for after it; providers have their own.",
    )

    @model_validator(mode="after")
    def _fits(self) -> OidcSection:
        parts = urlsplit(self.issuer)
        plain = parts.scheme == "http" and is_loopback(parts.hostname)
        if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("issuer should look like https://id.example.org/realms/staff")
        if "openid" not in self.scopes:
            raise ValueError('scopes should have "openid" among them')
        return self


class OtherSection(AuthenticatorSection):
    """A plug-in's. Further keys are its own."""

    model_config = ConfigDict(extra="allow", frozen=True)


def _kind(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return str(kind) if kind in KINDS else "other"


KINDS: dict[str, type[AuthenticatorSection]] = {"ldap": LdapSection, "oidc": OidcSection}
"""Those whose options are known here."""

_Ldap = Annotated[LdapSection, Tag("ldap")]
_Oidc = Annotated[OidcSection, Tag("oidc")]
_Other = Annotated[OtherSection, Tag("other")]
Authenticator = Annotated[_Ldap | _Oidc | _Other, Discriminator(_kind)]
