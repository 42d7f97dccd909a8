"""The docs as a site: python docs/build.py. A dead link, or another warning, is an error.

Pages link to files anywhere in the repository, and MkDocs knows links within one folder only. So
all files that belong to the repository are copied to build/pages, where README.md is the first
page, and the site is made of these, in build/site.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[([^\]]+)\]\(([\w./-]+)\)")


def copy(pages: Path) -> None:
    """Copy the files of the repository, those that git ignores excepted, to a new folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    shutil.rmtree(pages, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (pages / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, pages / name)


def build(**settings: Any) -> Path:
    """Build the site with these settings instead of those of mkdocs.yml; its first page.

    Raises mkdocs.exceptions.Abort, or BuildError, after a warning.
    """
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), strict=True, **settings)
    copy(Path(config.docs_dir))
    build(config)
    return Path(config.site_dir) / "index.html"


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """For MkDocs: a link to a folder leads to its page, if it has one; else it is only its text."""
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def led(link: re.Match[str]) -> str:
        text, target = link.groups()
        if not (folder / target).is_dir():
            return link[0]
        page = f"{target.rstrip('/')}/README.md"
        return f"[{text}]({page})" if (folder / page).exists() else text

    return LINK.sub(led, markdown)


if __name__ == "__main__":
    (ROOT / "build" / "pages").mkdir(parents=True, exist_ok=True)  # MkDocs wants it to be there
    try:
        print(f"wrote {build()}")
    except ImportError as error:
        sys.exit(f"{error}; pip install -e '.[docs]' installs what is missing")
