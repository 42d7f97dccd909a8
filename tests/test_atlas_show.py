"""What is shown of an atlas: text of 80 columns, a page, a comparison of two."""

import re

import pytest

from benchmarks.__main__ import main
from benchmarks.analyse.surprise import surprises
from benchmarks.show import atlas_text, compare_atlases
from benchmarks.show.atlas_words import sentence, ulp
from benchmarks.store.atlas import DIGITS, FUNCTION, KINK, Kink, as_json, is_atlas, load
from benchmarks.store.files import Mistake
from tests import atlases, stored
from tests.map_rows import PUBLISHED
from tests.test_page import Tags

HOSTILE = "<script>alert(1)</script>|`*x*`<img/onerror=alert(1)>"


@pytest.fixture
def put(tmp_path):
    def put(atlas, name="0001_atlas.json"):
        path = tmp_path / name
        path.write_text(as_json(atlas), encoding="utf-8")
        return path

    return put


def test_a_stored_atlas_is_read_again(put):
    path = put(atlases.atlas())
    assert load(path) == atlases.atlas()
    assert is_atlas(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "atlas"}', "\ud800"[:0] + "nul"])
def test_what_is_no_atlas_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(Mistake, match="not a stored atlas") as told:
        load(path)
    assert "\n" not in str(told.value)


def test_an_atlas_of_another_version_is_refused(put):
    with pytest.raises(Mistake, match="its schema is 2, known is 1"):
        load(put(atlases.atlas(schema=2)))


def test_no_line_is_longer_than_80_columns():
    atlas = atlases.atlas()
    atlas.maps[0].name = "logit_cross_entropy_0"  # the longest name of the catalog
    for one in (*atlas.judged, *atlas.findings):
        one.map = one.map.replace("elu", "logit_cross_entropy_0")
    for row in atlas.judged:
        row.value.ulp = row.derivative.ulp = 3.3e14  # the widest entries
        row.derivative.near_zero = True
    lines = [*atlas_text.summary(atlas), *atlas_text.whole(atlas)]
    assert max(map(len, lines)) <= 80
    [line] = [line for line in lines if line.startswith("logit_")][:1]
    assert len(line.split()) == 11, "the entries do not touch"


def test_a_line_a_map():
    lines = list(atlas_text.table(atlases.atlas(), "float64"))
    [line] = [line for line in lines if line.startswith("elu ")]
    assert line.split() == ["elu", *["0.5"] * 5, "0.7", "0.7", "none", "0.7", "0.7"]


@pytest.mark.parametrize(
    ("error", "text"),
    [(0.04, "0.0"), (9.94, "9.9"), (9.96, "10"), (133.3, "133"), (4e15, "4e15"), (5e15, "none")],
)
def test_an_error_in_few_characters(error, text):
    assert ulp(error, "float64") == text


def test_surprises_are_chosen_by_the_rule():
    found = surprises(atlases.atlas())
    assert [(one.kind, one.map) for one in found] == [
        (FUNCTION, "gelu"), (DIGITS, "elu"), (KINK, "clip"),
    ]  # fmt: skip
    assert sentence(found[1]) == (
        "elu': digits lost in JAX, -700 to -36.5: no correct digit at x = -40, 0 for 4.25e-18. "
        "Not in NumPy, Numba, PyTorch."
    )


def test_a_map_comes_once_and_a_class_twice():
    names = ["a", "b", "c", "d", "d_tanh"]
    rows = [atlases.judged(name, row) for name in names for row in atlases.ROWS]
    found = [atlases.finding(name, "jax step", share=0.1 * i) for i, name in enumerate(names)]
    made = surprises(atlases.atlas(judged=rows, findings=found, kinks=[], defaults=[]))
    assert [one.map for one in made] == ["d_tanh", "c"]


def test_a_signed_zero_is_no_other_convention():
    assert not Kink(
        "abs", "float64", "0", "-1", "1", {"jax step": "-0", "torch eager": "0"}
    ).differs
    assert not Kink(
        "abs", "float64", "0", "-1", "1", {"jax step": "nan", "torch step": "nan"}
    ).differs
    assert Kink("abs", "float64", "0", "-1", "1", {"jax step": "nan", "torch step": "0"}).differs


# --- two atlases


def test_the_same_atlas_has_no_changes(put, capsys):
    paths = [str(put(atlases.atlas(), name)) for name in ("a.json", "b.json")]
    assert main(["compare", *paths]) == 0
    assert "0 changes in the 10 rows that are in both." in capsys.readouterr().out


def test_what_changed_is_told_in_one_screen(put, capsys):
    later = atlases.atlas(versions={"numpy": "2.4.6", "jax": "0.10.2", "torch": "2.14.0"})
    later.kinks[0].found |= {"torch eager": "0", "torch step": "0"}
    later.findings[0].kind = FUNCTION
    later.defaults[0].found["jax"] = "gelu_erf"
    later.judged[3].value.ulp = 9.0
    paths = [str(put(one, name)) for one, name in ((atlases.atlas(), "a"), (later, "b"))]
    assert main(["compare", *paths]) == 1
    out = capsys.readouterr().out
    assert "torch 2.13.0 -> 2.14.0" in out
    assert "clip'(1), PyTorch: 1 -> 0, a convention (float64)" in out
    assert "new: elu' float64, JAX: another function" in out
    assert "gone: elu' float64, JAX: digits lost" in out
    assert "gelu without options, JAX: gelu_tanh -> gelu_erf" in out
    assert "elu float64, PyTorch eager: largest error 0.5 -> 9.0 ULP at x = 1.5" in out
    assert max(map(len, out.splitlines()[2:])) <= 80
    assert len(out.splitlines()) < 24


def test_many_changes_are_cut(put):
    names = [f"m{i}" for i in range(50)]
    rows = [atlases.judged(name, "jax step") for name in names]
    found = [atlases.finding(name, "jax step") for name in names]
    a = put(atlases.atlas(judged=rows, findings=[]), "a.json")
    b = put(atlases.atlas(judged=rows, findings=found), "b.json")
    lines, code = compare_atlases.compare(a, b)
    assert "and 42 more: --all shows them" in lines
    assert code == 1
    assert (
        sum(line.startswith("new: ") for line in compare_atlases.compare(a, b, whole=True)[0]) == 50
    )


def test_rows_of_one_atlas_only_are_no_change(put):
    less = atlases.atlas(
        judged=[r for r in atlases.atlas().judged if r.backend != "jax"], findings=[]
    )
    lines, code = compare_atlases.compare(put(atlases.atlas(), "a.json"), put(less, "b.json"))
    assert code == 0
    assert "Only in A: 2 rows." in lines


def test_an_atlas_and_a_run_cannot_be_compared(put, tmp_path, capsys):
    import json

    path = tmp_path / "run.json"
    path.write_text(json.dumps(stored.whole()))
    assert main(["compare", str(put(atlases.atlas())), str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- the page


def test_the_page_shows_names_as_text_and_asks_for_nothing(put):
    pytest.importorskip("matplotlib")
    from benchmarks.show import atlas_page

    atlas = atlases.atlas()
    for one in (*atlas.maps, *atlas.judged, *atlas.findings, *atlas.kinks):
        name = "name" if hasattr(one, "name") else "map"
        setattr(one, name, getattr(one, name).replace("elu", HOSTILE))
    text = atlas_page.html(atlas, put(atlas))
    tags = Tags(text)
    assert not [tag for tag, _ in tags.tags if tag in ("script", "img", "link")]
    assert not [name for _, attrs in tags.tags for name in attrs if name.startswith("on")]
    assert sum(HOSTILE in one for one in tags.text) >= 3
    assert re.findall(r'(?:src|data|action)="(?!data:)[^"]*"|@import|url\((?!#|data:)', text) == []
    assert "default-src 'none'" in text


def test_every_map_has_a_line_and_a_picture(put):
    pytest.importorskip("matplotlib")
    from benchmarks.show import atlas_page

    text = atlas_page.html(atlases.atlas(), put(atlases.atlas()))
    ids = [attrs["id"] for _, attrs in Tags(text).tags if "id" in attrs]
    assert len(ids) == len({*ids})
    assert {"map-elu", "map-clip"} <= {*ids}
    used = {one or other for one, other in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)}
    assert used <= {*ids}


def test_report_shows_a_stored_atlas_again(put, capsys):
    path = put(atlases.atlas())
    assert main(["report", str(path)]) == 0
    assert "elu': digits lost in JAX" in capsys.readouterr().out
    assert path.with_suffix(".txt").exists()


def test_the_published_text_is_made_from_its_numbers():
    made = "\n".join(atlas_text.whole(load(PUBLISHED))) + "\n"
    assert PUBLISHED.with_suffix(".txt").read_text(encoding="utf-8") == made
    assert max(map(len, made.splitlines())) <= 80
