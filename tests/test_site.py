"""The docs as a site: every link leads somewhere, and nothing comes from another host."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow  # copies and renders all pages
mkdocs = pytest.importorskip("mkdocs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built with every warning an error."""
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folders = {name: tmp_path_factory.mktemp(name) for name in ("docs_dir", "site_dir")}
    return module.build(**{name: str(folder) for name, folder in folders.items()}).parent


def test_every_page_of_the_docs_is_on_the_site(site):
    expected = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert {page.stem for page in (site / "docs").glob("*.html")} == expected


def test_every_file_that_is_linked_is_there(site):
    """In the pages as they were rendered, with the links of the theme."""
    pages = {*site.rglob("*.html")} - {site / "404.html"}  # its links begin at the server's root
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'(?:href|src)="([^"#?]+)', text):
            if not re.match(r"[a-z]+:", link):
                target = page.parent / link
                assert target.is_file(), (page.relative_to(site), link)


def test_a_page_loads_nothing_from_another_host(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="([^"]+)"', text)
        loaded += re.findall(r'<link[^>]* href="([^"]+)"', text)
        assert [address for address in loaded if "//" in address] == [], page
