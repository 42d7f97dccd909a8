"""A stored atlas as files beside it, a text and a page, made from its JSON alone."""

from pathlib import Path

from benchmarks.show import atlas_text
from benchmarks.store.atlas import load
from benchmarks.store.files import put


def write(path: Path) -> list[str]:
    """Write the text and the page of the atlas in path; return what to print about it.

    Raises Mistake, and writes nothing, if path is not an atlas.
    """
    atlas = load(path)
    files = {path.with_suffix(".txt"): "\n".join(atlas_text.whole(atlas)) + "\n"}
    notes = []
    try:
        from benchmarks.show import atlas_page

        files[path.with_suffix(".html")] = atlas_page.html(atlas, path)
    except ImportError as error:
        notes = [f"no page: {error}; pip install -e '.[bench]'"]
    for file, text in files.items():
        put(file, text)
    return [*atlas_text.summary(atlas), "", *(f"wrote {file}" for file in files), *notes]
