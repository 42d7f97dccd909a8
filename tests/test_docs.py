"""The numbers of docs/speed.md and of the last section of docs/numerics.md are the stored ones."""

import json
import re
import runpy
from functools import partial
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.analyse.frame import rows_of
from benchmarks.analyse.scaling import growth
from benchmarks.show.tables import prepared
from benchmarks.store.run import load
from reference.words import MODELS
from tests.test_readme import shown

SPEED = (Path(__file__).parents[1] / "docs" / "speed.md").read_text(encoding="utf-8")
NUMBER = r"(\d[\d,.]*\d|\d)"
OTHERS = ("jax", "torch")  # beside NumPy and Numba, whose memory comes from elsewhere


@pytest.fixture(scope="module")
def rows():
    return prepared(rows_of(load(shown())))


def fused(rows, backend, title):
    """The fastest fused logistic run of a backend."""
    own = rows[(rows.kind == "training") & (rows.model == "logistic") & (rows.backend == backend)]
    own = own[(own.formulation == "fused") & (own.dtype == "float64")]
    return [own.loc[own.seconds.idxmin()][title]]


def large(rows, model, B=65536, **words):
    """Gradients of a large batch with the model's own number of features, as the model's name."""
    own = rows[(rows.kind == "large") & (rows.model == model) & (rows.examples == B)]
    own = own[own.features == own.features.min()]
    for word, value in words.items():
        own = own[own[word].isin([value] if isinstance(value, str) else value)]
    return own


def nanoseconds(rows, beside):
    """What NumPy takes for a part of the work, for one example."""
    own = large(rows, "logistic")
    return own["an example"] / own[beside] * 1e9


def exponents(rows):
    """The powers of B with which the logistic gradients of large batches grow."""
    own = rows[(rows.kind == "large") & (rows.model == "logistic")]
    own = own[own.features == own.features.min()]
    return [growth(cell.examples, cell.seconds) for _, cell in own.groupby("cell")]


def products(rows, F):
    """Times of wide gradients beside their two products."""
    return rows[(rows.kind == "large") & (rows.features == F)]["/ products"]


def dense(rows, B, backends, title, conditions=""):
    """A column of the logistic dense gradients of these backends."""
    own = rows[(rows.kind == "gradient") & (rows.formulation == "dense") & (rows.B == B)]
    own = own[own.backend.isin(backends) & (own.model == "logistic")]
    return own[(own.conditions != "") == bool(conditions)][title]


CHAIN = ("numpy", "numba", *OTHERS)
STATEMENTS = {  # the words before a number, or a range of two; which numbers these are
    "| Numba run | ": lambda rows: fused(rows, "numba", "/ C"),
    "| JAX run | ": lambda rows: fused(rows, "jax", "/ C"),
    "| NumPy eager | ": lambda rows: fused(rows, "numpy", "/ C"),
    "| PyTorch run | ": lambda rows: fused(rows, "torch", "/ C"),
    "| PyTorch eager | ": lambda rows: fused(rows[rows.execution == "eager"], "torch", "/ C"),
    "Reading takes ": lambda rows: nanoseconds(rows, "/ reading"),
    "the exponential ": lambda rows: nanoseconds(rows, "/ exponentials"),
    "| Numba, step | ": lambda rows: (
        large(rows, "logistic", backend="numba", formulation="fused")["an example"] * 1e9
    ),
    "| NumPy | ": lambda rows: (
        large(rows, "logistic", backend="numpy", formulation="fused")["an example"] * 1e9
    ),
    "| JAX, step | ": lambda rows: (
        large(rows, "logistic", backend="jax", formulation="fused")["an example"] * 1e9
    ),
    "| PyTorch | ": lambda rows: (
        large(rows, "logistic", backend="torch", execution="eager", formulation="fused")[
            "an example"
        ] * 1e9
    ),
    "Numba's fused form takes ": lambda rows: large(
        rows, "logistic", backend="numba", formulation="fused"
    )["/ bound"],
    "the other fused forms ": lambda rows: large(
        rows, "logistic", backend=("numpy", *OTHERS), formulation="fused"
    )["/ bound"],
    "elementwise forms ": lambda rows: large(rows, "logistic", formulation="elementwise")[
        "/ bound"
    ],
    "linear regression, which has no exponential, ": lambda rows: large(rows, "linear")["/ bound"],
    "to the power of ": exponents,
    "At F = 512 all cells take ": lambda rows: products(rows, 512),
    "at F = 64 they take ": lambda rows: products(rows, 64),
    "the next call uses it again. The cells take ": lambda rows: dense(
        rows, 1024, CHAIN, "/ traffic"
    ),
    "NumPy asks for huge pages and has ": lambda rows: dense(rows, 4096, ["numpy"], "faults"),
    "so NumPy takes ": lambda rows: dense(rows, 4096, ["numpy"], "/ traffic"),
    "JAX and PyTorch get ": lambda rows: dense(rows, 4096, OTHERS, "faults"),
    "with zeros: they take ": lambda rows: dense(rows, 4096, OTHERS, "/ traffic"),
    "they have ": lambda rows: dense(rows, 4096, OTHERS, "faults", "huge pages"),
    "page faults and take ": lambda rows: dense(rows, 4096, OTHERS, "/ traffic", "huge pages"),
}  # fmt: skip


def words(values):
    """The smallest and the largest of some numbers, with two digits, page faults whole."""
    low, high = (
        f"{v:,.0f}" if v > 500 else f"{float(f'{v:.2g}'):g}" for v in (min(values), max(values))
    )
    return low if low == high else f"{low} to {high}"


@pytest.mark.parametrize("before", STATEMENTS)
def test_a_number_is_that_of_the_stored_run(rows, before):
    expected = words(list(STATEMENTS[before](rows)))
    text = " ".join(SPEED.split())
    [found] = re.findall(re.escape(before) + rf"({NUMBER}(?: to {NUMBER})?)", text)
    assert found[0] == expected


@pytest.mark.parametrize(
    "cell", ["Numba step", "NumPy eager", "JAX step", "PyTorch step", "PyTorch eager"]
)
def test_the_table_of_multiples_is_that_of_the_stored_run(rows, cell):
    label, execution = cell.split()
    backend = "torch" if label == "PyTorch" else label.lower()
    [numbers] = re.findall(rf"\| {cell}: [^|]*\|(.*)\|", SPEED)
    fused = partial(large, backend=backend, execution=execution, formulation="fused")
    expected = [words(fused(rows, m)["/ bound"]) for m in ("logistic", "poisson", "linear")]
    assert [number.split()[0] for number in numbers.split("|")] == expected


# --- docs/numerics.md

NUMERICS = (Path(__file__).parents[1] / "docs" / "numerics.md").read_text(encoding="utf-8")
QUANTITIES = {  # a row of the table: the checks of a verdict, and the name of drawn ones
    "state": (["state"], "state"),
    "exact state": (["exact state"], "exact state"),
    "gradient": (["returned", "used"], "gradient"),
    "batch loss": (["batch loss"], "batch loss"),
    "loss": (["loss"], "loss"),
    "accuracy": (["accuracy"], "accuracy"),
}


def beside_the_run(name):
    return json.loads(shown().with_name(name).read_text(encoding="utf-8"))


def observed(quantities):
    """The largest of these checks in the stored verdicts, of each model that has them."""
    found = []
    for model in MODELS:
        values = [
            check["observed"]
            for verdict in beside_the_run("verdicts.json")["verdicts"]
            if verdict["model"] == model and verdict["dtype"] == "float64"
            for check in verdict["checks"]
            if check["quantity"] in quantities
        ]
        found += [f"{max(values):.2g}"] if values else []
    return ", ".join(found)


def drawn(quantity):
    """The largest share of a tolerance among the problems that were drawn, of all backends."""
    shares = [
        int(text.split("%")[0])
        for backend in beside_the_run("drawn.json").values()
        for name, text in backend["largest shares"].items()
        if name == quantity or (quantity == "gradient" and name.endswith(" gradient"))
    ]
    return f"{max(shares)}%" if shares else ""


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_table_of_what_was_observed_is_that_of_the_stored_verdicts(quantity):
    checks, of_drawn = QUANTITIES[quantity]
    [row] = [line for line in NUMERICS.splitlines() if line.startswith(f"| {quantity} | ")]
    _, _, published, share = [entry.strip() for entry in row.strip("|").split("|")]
    assert published == observed(checks)
    assert share == drawn(of_drawn)


def test_all_that_was_judged_agreed():
    assert all(verdict["passed"] for verdict in beside_the_run("verdicts.json")["verdicts"])
    backends = beside_the_run("drawn.json")
    assert {*backends} == {"reference", *CHAIN}
    counts = {found["problems"] for found in backends.values()}
    assert [found["failed"] for found in backends.values()] == [[]] * len(backends)
    assert f"Drawn: {min(counts)} problems" in " ".join(NUMERICS.split())


# --- links

ROOT = Path(__file__).parents[1]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")})


def anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_no_page_names_a_host_that_is_not_known():
    """Of tools and standards that exist; the project itself has no address of its own."""
    known = {"pytorch.org", "download.pytorch.org"}
    for page in PAGES:
        hosts = re.findall(r"https?://([\w.-]+)", page.read_text(encoding="utf-8"))
        assert {*hosts} <= known, page


# --- snippets


def snippets(page):
    """The lines of code of a page: indented ones, and those in fences."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"(?<=\n\n)(?:    .*\n|\n(?=    ))+", text)
    return "\n".join([*fenced, *indented]).splitlines()


def commands(start):
    """The commands in the pages that begin with these words: the page and the words after them."""
    found = []
    for page in PAGES:
        for line in snippets(page):
            if start in (code := line.split("  #")[0].split(" # ")[0]):
                found.append((page.name, code.split(start, 1)[1].split()))
    return found


def test_every_command_of_make_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    named = {words[0] for _, words in commands("make ") if words}
    assert named
    assert named <= {*targets}


def test_every_command_of_the_benchmarks_is_there_with_its_options(capsys):
    found = commands("python -m benchmarks ")
    assert len(found) > 5
    for page, (command, *words) in found:
        with pytest.raises(SystemExit) as ended:
            main([command.strip("`"), "--help"])
        told = capsys.readouterr().out
        assert ended.value.code == 0, (page, command)
        if command != "run":  # which hands its options on to pytest
            options = [word.strip("[]") for word in words if word.strip("[").startswith("--")]
            assert [option for option in options if option not in told] == [], (page, command)


def test_the_data_frame_of_the_readme_can_be_made(tmp_path):
    code = [line.strip() for line in snippets(ROOT / "README.md")]
    first = code.index("from benchmarks.analyse.frame import load_run")
    *lines, last = code[first : first + 3]
    path = tmp_path / "snippet.py"
    path.write_text("\n".join([*lines, f"table = {last}"]).replace("RUN.json", str(shown())))
    table = runpy.run_path(str(path))["table"]
    assert table.columns.to_list() == sorted(table.columns)
    assert table.notna().any(axis=None)
