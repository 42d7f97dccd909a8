"""The two pages: names are shown as text, and report.html works in a browser without network."""

import io
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest

from benchmarks.analyse.frame import load_run
from benchmarks.show import report
from tests import stored

page = pytest.importorskip("benchmarks.show.page")
tables = pytest.importorskip("benchmarks.show.tables")
pytest.importorskip("matplotlib")
figures = pytest.importorskip("benchmarks.show.figures")

HOSTILE = "<script>alert(1)</script>|`*x*`<img/onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The report of a run with everything in it, and with hostile names."""
    path = tmp_path_factory.mktemp("results") / "0001_full.json"
    rows = stored.gradients(f"{HOSTILE} step", sizes=(32, 64))
    run = stored.whole()
    run["benchmarks"] += rows
    run["void"].append(stored.void(why=HOSTILE))
    run["left_out"].append(stored.left_out(HOSTILE))
    path.write_text(json.dumps(run))
    report.write(path)
    return path.parent


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


# --- without a browser


def test_names_are_text_in_the_page(folder):
    found = Tags((folder / "report.html").read_text(encoding="utf-8"))
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert not [tag for tag, _ in found.tags if tag == "img"]
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    assert found.text.count(HOSTILE) > 4, "in tables, figures, void and left-out rows"


def test_names_are_text_in_markdown(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert sum(line.count("alert") for table in tables for line in table.splitlines()) > 4
    for table in tables:
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1, table


def test_ids_are_there_once(folder):
    ids = [
        attrs["id"]
        for _, attrs in Tags((folder / "report.html").read_text(encoding="utf-8")).tags
        if "id" in attrs
    ]
    assert len(ids) == len(set(ids)) > 30


def test_what_is_linked_or_used_is_there(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    ids = {attrs["id"] for _, attrs in Tags(text).tags if "id" in attrs}
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text.split("<script>")[0]))
    assert {one or other for one, other in used} <= ids
    links = re.findall(r'href="([^"#]+\.md)"', text)
    assert len(links) >= 4
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_page_asks_for_nothing(folder):
    """No address that a browser would load by itself; links need a click."""
    own = (folder / "report.html").read_text(encoding="utf-8").split("<script>")[0]
    assert (
        re.findall(r'(?:src|srcset|data|action)="(?!data:)[^"]*"|@import|url\((?!#|data:)', own)
        == []
    )
    assert "default-src 'none'" in own


def test_all_rows_can_be_taken_along_as_csv(folder):
    tags = Tags((folder / "report.html").read_text(encoding="utf-8")).tags
    [link] = [attrs for _, attrs in tags if "download" in attrs]
    assert link["download"] == "0001_full.csv"
    text = unquote(link["href"].removeprefix("data:text/csv;charset=utf-8,"))
    rows = pd.read_csv(io.StringIO(text))
    expected = load_run(folder / "0001_full.json")
    assert list(rows.columns) == list(expected.columns)
    assert len(rows) == len(expected) > 20
    assert rows.seconds.to_list() == pytest.approx(expected.seconds.to_list(), nan_ok=True)
    assert HOSTILE in [name for name in rows.backend]


def test_the_answer_comes_first(folder):
    found = Tags((folder / "report.html").read_text(encoding="utf-8"))
    order = [tag for tag, attrs in found.tags if tag in ("h1", "table", "figure", "nav")]
    assert order[:4] == ["h1", "table", "figure", "nav"]
    figures = [attrs["id"] for tag, attrs in found.tags if tag == "figure"]
    assert figures[0] == "figure-ratio"
    assert len(figures) == len({*figures}) > 5


def test_a_table_stands_beside_its_figure(folder):
    found = Tags((folder / "report.html").read_text(encoding="utf-8"))
    kept = [
        attrs["id"] for tag, attrs in found.tags if tag in ("figure", "section") and "id" in attrs
    ]
    pairs = {
        "training": "figure-training_times", "life": "figure-life", "choice": "figure-choice",
        "verdicts": "figure-distance", "gradients": "figure-memory",
    }  # fmt: skip
    assert {table: kept[kept.index(table) - 1] for table in pairs} == pairs


def test_words_that_never_vary_are_said_once(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    training = text[text.index('<section id="training">') :].split("</table>")[0]
    assert "All rows: model logistic, device cpu, dtype float64" in training
    heads = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', training)
    assert heads[:3] == ["backend", "execution", "formulation"]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "All rows: model logistic, device cpu, dtype float64" in readme


def test_large_batches_have_a_table(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "### Gradients of large batches" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    line, _ = [line for line in lines if line.startswith("| numba |") and "65.5" in line]
    assert "| 1.00 |" in line
    assert "| 2.00 \\[" in line


def test_empty_columns_are_left_out():
    rows = stored.trainings("jax run fused")
    del rows[0]["extra_info"]["ratio"]["C"]
    made = stored.rows(stored.run(*rows))
    [table] = tables.sortable(made)[:1]
    assert "/ reference" in table.texts
    assert not {"/ C", "/ elementwise", "conditions"} & {*table.texts}
    assert {*stored.WORDS} <= {*table.texts}
    [short] = tables.readable(made)[:1]
    assert not {*stored.WORDS} & {*short.texts}, "of one row, they are in the heading"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\nb", "a b"),
        ("~1.0 [1, 2]", r"\~1.0 \[1, 2\]"),
        ("<b>&", "&lt;b&gt;&amp;"),
    ],
)
def test_markdown(text, shown):
    assert page.markdown(text) == shown


# --- in a browser


@pytest.fixture
def browser(chromium, folder):
    """The page, opened. After each test nothing was loaded and nothing failed."""
    chromium.get((folder / "report.html").as_uri())
    yield chromium
    loaded = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert chromium.execute_script(loaded) == []
    assert [
        e["message"] for e in chromium.get_log("browser") if "favicon" not in e["message"]
    ] == []


def column(browser, table, title):
    """What a table shows in a column."""
    script = """
      const table = document.querySelector(`#${arguments[0]} table`);
      const titles = [...table.tHead.rows[0].cells].map(
        cell => cell.querySelector(".dt-column-title").textContent);
      const place = titles.indexOf(arguments[1]);
      return [...table.tBodies[0].rows].map(row => row.cells[place].textContent);
    """
    return browser.execute_script(script, table, title)


def comes(browser, table, title, expected):
    """Whether a column shows what is expected, within the time that the table takes to be drawn."""
    from selenium.webdriver.support.ui import WebDriverWait

    try:
        return WebDriverWait(browser, 10, 0.05).until(
            lambda browser: column(browser, table, title) == expected
        )
    except Exception as error:
        raise AssertionError(f"{title}: {column(browser, table, title)}") from error


def head(browser, table, title, inner):
    """A part of the head of a column: its title, what sorts, or the button of the choices."""
    [found] = browser.find_elements(
        "xpath", f"//*[@id='{table}']//th[.//span[.='{title}']]//*[contains(@class, '{inner}')]"
    )
    return found


ENTER = "\ue007"
TIMES = ["2.00", "4.00", "6.00", "8.00", "10.0", "12.0"]
NAMES = ["native", "numba", "numba", "numba", "numpy", "torch"]


def test_a_click_sorts_by_what_was_measured(browser):
    assert column(browser, "training", "time, ms") == TIMES
    title = head(browser, "training", "backend", "dt-column-title")
    title.click()
    assert comes(browser, "training", "backend", NAMES)
    title = head(browser, "training", "time, ms", "dt-column-title")
    title.click()
    assert comes(browser, "training", "time, ms", TIMES)
    title.click()
    assert comes(browser, "training", "time, ms", TIMES[::-1])


def test_the_keyboard_sorts_and_filters(browser):
    order = head(browser, "training", "backend", "dt-column-order")
    order.send_keys(ENTER)
    assert comes(browser, "training", "backend", NAMES)
    order.send_keys(ENTER)
    assert comes(browser, "training", "backend", NAMES[::-1])
    head(browser, "training", "execution", "_dropdown").send_keys(ENTER)
    choice = browser.find_element("css selector", ".dtcc-dropdown button[aria-label='block']")
    choice.send_keys(ENTER)
    assert comes(browser, "training", "execution", ["block"])
    assert column(browser, "training", "time, ms") == ["8.00"]


@pytest.mark.parametrize(
    ("word", "value", "times"),
    [
        ("backend", "numba", ["2.00", "4.00", "6.00"]),
        ("execution", "run", ["2.00", "4.00", "12.0"]),
        ("formulation", "dense", ["4.00", "8.00", "10.0"]),
    ],
    ids=["backend", "execution", "formulation"],
)
def test_a_choice_filters(browser, word, value, times):
    choose = head(browser, "training", word, "_dropdown")
    assert choose.get_attribute("aria-label") == "Choose"
    choose.click()
    browser.find_element("css selector", f".dtcc-dropdown button[aria-label='{value}']").click()
    assert comes(browser, "training", "time, ms", times)
    assert set(column(browser, "training", word)) == {value}


def test_names_are_text_in_the_browser(browser):
    assert HOSTILE in column(browser, "gradients", "backend")
    head(browser, "gradients", "backend", "_dropdown").click()
    choices = browser.find_elements("css selector", ".dtcc-dropdown .dtcc-button-text")
    assert HOSTILE in [choice.text for choice in choices]
    assert browser.find_elements("css selector", "main script, main img") == []


GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", GROUNDS)
def test_the_page_fits_its_window(browser, scheme, width):
    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 800}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.refresh()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert browser.execute_script(ground) == GROUNDS[scheme]
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_without_script_the_tables_are_there(browser, folder):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.refresh()
    cells = browser.find_elements("css selector", "#training tbody tr")
    assert len(cells) == len(TIMES)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def visible(browser):
    """The values that are shown."""
    return browser.execute_script("""
      return [...document.querySelectorAll(".value")].filter(
        value => getComputedStyle(value).visibility === "visible"
      ).map(value => value.textContent.trim())""")


def test_a_point_tells_its_value_when_it_is_pointed_at(browser):
    from selenium.webdriver.common.action_chains import ActionChains

    assert visible(browser) == []
    point = browser.find_element("css selector", "#figure-ratio .point")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
    ActionChains(browser).move_to_element(point).perform()
    [told] = visible(browser)
    assert told.startswith("B = 32: ")


def test_a_line_tells_all_of_its_values_to_the_keyboard(browser):
    line = browser.find_element("css selector", "#figure-ratio .line")
    browser.execute_script("arguments[0].focus()", line)
    told = visible(browser)
    assert len(told) == len(line.find_elements("css selector", ".point")) > 1
    assert line.get_attribute("aria-label").endswith("; ".join(told))


def test_a_switch_hides_what_is_drawn_of_a_framework(browser):
    box = browser.find_element("id", "show-numba")
    drawn = browser.find_elements(
        "css selector", "#figure-training_times .logarithmic .curve.show-numba"
    )
    others = browser.find_elements(
        "css selector", "#figure-training_times .logarithmic .curve.show-torch"
    )
    assert drawn
    assert all(curve.is_displayed() for curve in [*drawn, *others])
    box.send_keys(" ")
    assert not any(curve.is_displayed() for curve in drawn)
    assert all(curve.is_displayed() for curve in others)


def test_a_switch_changes_to_linear_axes(browser):
    """By the keyboard: the same figures with other axes; a figure that has one picture keeps it."""
    shown = """return [...document.querySelectorAll(arguments[0])].map(
      found => getComputedStyle(found).display)"""
    pictures = [
        browser.execute_script(shown, f".drawing.{kind}") for kind in ("logarithmic", "linear")
    ]
    assert pictures == [["block"] * 3, ["none"] * 3]
    browser.find_element("id", "linear-axes").send_keys(" ")
    pictures = [
        browser.execute_script(shown, f".drawing.{kind}") for kind in ("logarithmic", "linear")
    ]
    assert pictures == [["none"] * 3, ["block"] * 3]
    assert browser.find_element("css selector", "#figure-memory .drawing").is_displayed()


@pytest.mark.parametrize("width", [400, 1400])
def test_the_first_screen_has_the_answer(browser, width):
    browser.set_window_size(width, 800)
    height = browser.execute_script("return window.innerHeight")
    for words in ("#answer p", "#answer .badge", "#answer table"):
        found = browser.find_element("css selector", words)
        assert found.rect["y"] + found.rect["height"] < height, words
        assert found.rect["x"] + found.rect["width"] <= width, words
