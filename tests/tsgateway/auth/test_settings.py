"""[authenticators] and [sign_in] as people write them: what is right, and what they read when it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tsgateway.cli.main import main
from tsgateway.config import ConfigError, load
from tsgateway.config.authenticators import LdapSection, OidcSection, OtherSection
from tsgateway.store import Store

ROOT = Path(__file__).parents[3]
EXAMPLES = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/sign-in.md").read_text(), re.DOTALL)
OIDC = 'kind = "oidc"\nissuer = "https://id.example.org"\nclient_id = "x"\n'


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "tsgateway.toml"
        path.write_text(text)
        return load(path)

    return write


def test_the_examples_of_the_page_are_right(written):
    assert len(EXAMPLES) == 5
    kinds = [type(each) for text in EXAMPLES for each in written(text).authenticators.values()]
    assert kinds == [LdapSection, LdapSection, OidcSection, OidcSection]


def test_files_are_found_from_the_configurations_place(written, tmp_path):
    corp = written(
        f'[authenticators.corp]\n{OIDC}client_secret_file = "secret"\nca_file = "ca.pem"'
    ).authenticators
    assert corp["corp"].client_secret_file == tmp_path / "secret"
    assert corp["corp"].ca_file == tmp_path / "ca.pem"


def test_keys_of_other_kinds_are_left_to_them(written):
    found = written('[authenticators.pam]\nkind = "pam"\nservice = "login"').authenticators["pam"]
    assert isinstance(found, OtherSection)
    assert found.model_dump()["service"] == "login"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{OIDC}isuer = "x"', 'line 5: unknown key "authenticators.corp.isuer"; did you mean "issuer"?'),
        (f'{OIDC}algorithms = ["none"]', "authenticators.corp.algorithms.0"),
        (f'{OIDC}algorithms = ["HS256"]', "authenticators.corp.algorithms.0"),
        (f'{OIDC}scopes = ["email"]', 'should have "openid" among them'),
        ('kind = "oidc"\nclient_id = "x"', '"authenticators.corp.issuer" is missing'),
        ('kind = "oidc"\nclient_id = "x"\nissuer = "http://id.example.org"', "should look like https://"),
        (
            'kind = "ldap"\nurl = "ldaps://x"\nuser_base = "dc=x"\ntimeout_seconds = 99',
            "timeout_seconds = 99",
        ),
        ('service = "x"', '"authenticators.corp.kind" is missing'),
    ],
)
def test_mistakes_are_said_with_their_line(written, text, said):
    with pytest.raises(ConfigError) as caught:
        written(f"[authenticators.corp]\n{text}\n")
    assert said in str(caught.value)
    assert "line " in str(caught.value)


def test_local_is_no_name_for_one(written):
    with pytest.raises(ConfigError, match="choose another name"):
        written(f"[authenticators.local]\n{OIDC}")


def test_a_lost_second_factor_is_removed_at_the_machine(tmp_path):
    config = tmp_path / "tsgateway.toml"
    config.write_text('[data]\ndirectory = "data"\n')
    command = CliRunner()

    def run(*words: str) -> str:
        return command.invoke(main, [*words, "--config", str(config)]).output

    run("user", "add", "ada")
    assert "has no second factor" in run("user", "remove-totp", "ada")
    store = Store(tmp_path / "data" / "tsgateway.db")
    store.factors.set("ada", b"sealed", 1, [b"code"])
    assert "is removed" in run("user", "remove-totp", "Ada")
    assert not store.user("ada").has_totp
    store.link_user("ada", "corp", "key")
    assert 'not kept here, but by "corp"' in run("user", "passwd", "ada")
    assert 'no account "eve"' in run("user", "remove-totp", "eve")
    store.close()
