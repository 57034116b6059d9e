import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.rules import Rules, Second
from tsgateway.config import Config, ConfigError, load
from tsgateway.config.reference import markdown

ROOT = Path(__file__).parents[2]


@pytest.fixture
def read(tmp_path):
    def read_text(text: str) -> Config:
        path = tmp_path / "c.toml"
        path.write_text(text)
        return load(path)

    return read_text


def test_no_file_is_needed():
    config = load(None)
    assert config.server.listen == "127.0.0.1"
    assert config.server.port == 8443
    assert list(config.desktops) == ["desktop", "testcard"]
    assert config.desktops["desktop"].spec == {"kind": "qemu", "template": "desktop"}


def test_keys_of_a_kind_go_to_the_host_and_ours_do_not(read):
    config = read('[desktops.pc]\ntitle = "PC"\nkind = "rfb"\nhost = "h"\nport = 5901\nusers = ["ada"]\n')
    assert config.desktops["pc"].spec == {"kind": "rfb", "host": "h", "port": 5901}


def test_a_desktops_rules_differ_from_the_usual_ones_where_it_says_so(read):
    config = read(
        '[sessions]\nidle_minutes = 30\nsecond = "refuse"\n[desktops.pc]\ntitle = "PC"\nkind = "x"\n'
        'rules.second = "take-over"\n[desktops.other]\ntitle = "O"\nkind = "x"\n'
    )
    pc, other = (Rules.read(config.desktops[name].rules_with(config.sessions)) for name in ("pc", "other"))
    assert pc == Rules(idle_minutes=30)
    assert other == Rules(idle_minutes=30, second=Second.REFUSE)
    assert Rules.read(load(None).desktops["desktop"].rules_with(load(None).sessions)) == Rules()


def test_settings_of_any_kind_of_guest_are_taken(read):
    config = read('[guests.qemu]\naccelerator = "tcg"\n[guests.other]\nx = 2\n')
    settings = config.guests.model_dump()
    assert settings["qemu"]["accelerator"] == "tcg"
    assert settings["other"] == {"x": 2}


def test_paths_are_relative_to_the_file(read, tmp_path):
    config = read('[data]\ndirectory = "here"\n[server]\ncertificate = "c.pem"\nkey = "/abs/k.pem"\n')
    assert config.data.directory == tmp_path / "here"
    assert config.server.certificate == tmp_path / "c.pem"
    assert config.server.key == Path("/abs/k.pem")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\n\nprot = 1\n", 'line 3: unknown key "server.prot"; did you mean "port"?'),
        ("[srever]\nport = 1\n", 'line 1: unknown key "srever"; did you mean "server"?'),
        ("server.port = 70000\n", "line 1: server.port = 70000: should be less than or equal to 65535"),
        ('[server]\nport = "x"\n', 'line 2: server.port = "x": should be a valid integer'),
        ("[encoding]\n# a comment\nlevel=99\n", "line 3: encoding.level = 99: should be less than"),
        ('[server]\norigins = ["http://x"]\n', "line 2: server.origins = "),
        ('[server]\nlog_level = "loud"\n', "'debug', 'info', 'warn' or 'error'"),
        ('[desktops.a]\ntitle = "A"\n', 'line 1: "desktops.a.kind" is missing'),
        ('[desktops."A b"]\ntitle = "A"\nkind = "x"\n', 'line 1: "desktops.A b": use small letters'),
        ('[desktops.a]\ntitle = ""\nkind = "x"\n', 'line 2: desktops.a.title = ""'),
        ("[server]\ncertificate = 'c'\n", "line 2: server.certificate and server.key belong together"),
        ("[server\n", "not valid TOML: "),
        ("a = 1\na = 2\n", "line 2"),
        ("[guests.qemu]\ntb_size = 9\n", 'unknown key "guests.qemu.tb_size"; did you mean "tb_size_mb"?'),
        ("[hosts]\nzzz = 1\n", "known here: count"),
        (
            '[desktops.a]\ntitle = "A"\nkind = "x"\nshared = true\n',
            'instead of shared = true write rules.second = "join"',
        ),
        (
            '[desktops.a]\ntitle = "A"\nkind = "x"\n[desktops.a.rules]\nsecnd = "join"\n',
            'line 5: unknown key "desktops.a.rules.secnd"; did you mean "second"?',
        ),
        (
            '[sessions]\nsecond = "fight"\n',
            "line 2: sessions.second = \"fight\": should be 'take-over', 'join' or",
        ),
        ("[sessions]\nidle_minutes = -1\n", "line 2: sessions.idle_minutes = -1"),
    ],
)
def test_errors_name_the_place_and_what_would_be_right(read, text, said):
    with pytest.raises(ConfigError) as error:
        read(text)
    assert said in str(error.value)
    assert "c.toml" in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:geheim@db/x", "no place for a password"),
        ("postgresql://me@db/x?password=geheim&sslmode=require", "no place for a password"),
        ("mysql://me:geheim@db/x", 'should look like "postgresql://user@host/name"'),
        ("postgresql://", "should look like"),
        ("tsgateway.db", "should look like"),
    ],
)
def test_a_database_is_named_without_a_password_and_none_is_shown(read, url, said):
    with pytest.raises(ConfigError, match=said) as error:
        read(f'[data]\ndatabase = "{url}"\n')
    assert "line 2: data.database = " in str(error.value)
    assert "geheim" not in str(error.value)


def test_where_a_database_and_its_password_are(read, tmp_path):
    url = "postgresql://me@db.example.org:5433/x?sslmode=verify-full"
    config = read(f'[data]\ndatabase = "{url}"\ndatabase_password_file = "secret"\n')
    assert (config.data.database, config.data.database_password_file) == (url, tmp_path / "secret")


def test_all_errors_are_told_at_once(read):
    with pytest.raises(ConfigError) as error:
        read("[server]\nport = -1\nprot = 1\n[hosts]\ncount = 0\n")
    assert len(str(error.value).splitlines()) == 3


def test_what_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)
    (tmp_path / "b").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "b")
    (tmp_path / "big").write_bytes(b"#" * 2_000_000)
    with pytest.raises(ConfigError, match="not a configuration file"):
        load(tmp_path / "big")


@given(st.text(st.sampled_from('[]."=\n#abserverport0123 ,{}'), max_size=80))
def test_any_text_is_a_configuration_or_a_sentence(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("c") / "c.toml"
    path.write_text(text)
    with contextlib.suppress(ConfigError):
        assert isinstance(load(path), Config)


def test_the_page_is_current():
    """`python -m tsgateway.config.reference > docs/configuration.md` makes it so."""
    assert (ROOT / "docs" / "configuration.md").read_text() == markdown()


def test_the_example_of_the_page_is_valid(read):
    example = markdown().partition("```toml\n")[2].partition("```")[0]
    config = read(example)
    assert set(config.desktops) == {"linux", "office-pc"}
