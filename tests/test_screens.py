"""The first screen of a steady, a noisy, an unusable and a partial run: answer and badge."""

import pytest

from tests import screens

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
pytestmark = pytest.mark.slow  # four reports

BADGES = {"steady": "Steady", "noisy": "Noisy", "unusable": "Unusable", "partial": "Steady"}
NO_ANSWER = "This run gives no answer"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return dict(screens.pages(tmp_path_factory.mktemp("screens")))


@pytest.mark.parametrize("scheme", screens.SCHEMES)
@pytest.mark.parametrize("size", screens.SIZES)
@pytest.mark.parametrize("name", BADGES)
def test_the_first_screen(chromium, pages, tmp_path, name, size, scheme):
    picture = tmp_path / "screen.png"
    screens.take(chromium, pages[name], picture, size, scheme)
    assert picture.stat().st_size > 10_000
    width, height = screens.SIZES[size]
    seen = {}
    for words in ("#answer p", "#answer .badge", "#answer table"):
        for found in chromium.find_elements("css selector", words):
            if found.rect["y"] + found.rect["height"] <= height:
                seen.setdefault(words, []).append(found.text)
            assert found.rect["x"] + found.rect["width"] <= width, words
    [badge] = seen["#answer .badge"]
    assert badge.startswith(f"{BADGES[name]} run. ")
    told = [text for text in seen["#answer p"] if text not in badge]
    assert ("One logistic gradient takes" in " ".join(told)) is (name != "unusable")
    assert (NO_ANSWER in " ".join(told)) is (name == "unusable")
    assert told[0].startswith("Partial run: ") is (name == "partial")
    if size == "screen":
        assert chromium.find_element("css selector", "#figure-ratio").rect["y"] < height / 2
