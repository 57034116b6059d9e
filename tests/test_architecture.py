"""ARCHITECTURE.md and the README tell the truth: every path they name exists, every package is named."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATH = re.compile(r"`((?:sessions|thinclient|tsgateway|webclient|tests|docs|images|bench|scripts)/[\w./-]*)`")


def architecture() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text()


def test_every_path_named_exists() -> None:
    named = PATH.findall(architecture())
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_package_is_named() -> None:
    text = architecture()
    packages = {
        path.parent.relative_to(ROOT)
        for top in ("sessions", "tsgateway")
        for path in (ROOT / top).glob("*/__init__.py")
    }
    assert [str(p) for p in sorted(packages) if f"{p}/" not in text and f"`{p}`" not in text] == []


PAGES = [
    "README.md",
    *(f"docs/{name}.md" for name in ("tutorial", "howto", "configuration", "protocol", "sessions", "client")),
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reasons = (ROOT / "docs/dependencies.md").read_text()
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {re.split(r"[<>=\[]", item)[0] for group in groups for item in group}
    assert [name for name in sorted(names) if name not in reasons] == []
