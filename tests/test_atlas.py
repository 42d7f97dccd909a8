"""The atlas command: a small atlas of real frameworks, missing ones, and maps of one's own."""

from pathlib import Path

import numpy as np
import pytest

import backends
from backends import own_maps
from benchmarks import atlas as command
from benchmarks.__main__ import main
from benchmarks.analyse import atlas as analyse
from benchmarks.analyse.atlas import Row, Truth
from benchmarks.analyse.differences import Exact
from benchmarks.measure import map_points, map_values
from benchmarks.store.atlas import load
from reference import maps
from reference.formats import FORMATS
from reference.maps import MAPS

pytest.importorskip("matplotlib")
SQUAREPLUS = Path(__file__).parents[1] / "examples" / "squareplus_map.py"
SMALL = "--backend", "numpy", "--dtype", "float32"


@pytest.fixture(autouse=True)
def no_own_maps():
    """Maps that a test adds are not there for the next one."""
    yield
    for name in own_maps.names():
        del own_maps._files[name], MAPS[name]
    own_maps.make.cache_clear()


@pytest.fixture
def made(tmp_path, capsys):
    """Make an atlas with these arguments; the exit code, what was printed, and what was stored."""

    def made(*arguments):
        path = tmp_path / "0001_atlas.json"
        code = main(["atlas", "--json", str(path), *arguments])
        return code, capsys.readouterr(), load(path) if path.exists() else None

    return made


def test_an_atlas_of_one_map_is_stored_once(made, tmp_path):
    code, told, atlas = made("--map", "relu", *SMALL)
    assert code == 0
    [row] = atlas.judged
    assert (row.map, row.backend, row.execution, row.dtype) == ("relu", "numpy", "eager", "float32")
    assert row.value.ulp == row.derivative.ulp == 0
    [kink] = atlas.kinks
    assert (kink.x, kink.left, kink.right) == ("0", "0", "1")
    assert "relu" in told.out
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".txt", ".html"}
    code, told, _ = made("--map", "relu", *SMALL)
    assert code == 2
    assert "exists already" in told.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "wrong"], "unknown map 'wrong'; one of: square, "),
        (["--backend", "wrong"], "unknown backend 'wrong'; one of: reference, "),
        (["--dtype", "int8"], "unknown dtype 'int8'; one of: float64, float32, bfloat16, float16"),
        (["--map", "no/such_map.py"], "a map is a file named <name>_map.py, got "),
    ],
)
def test_a_mistake_is_one_line_and_stores_nothing(made, arguments, message):
    code, told, atlas = made(*arguments)
    assert (code, atlas) == (2, None)
    assert message in told.err
    assert told.err.count("\n") == 1


def test_a_missing_framework_is_a_line_and_the_rest_stands(made, monkeypatch):
    monkeypatch.setattr(backends, "unavailable", lambda importing: {"jax": "no jax", "numba": "-"})
    monkeypatch.setattr(own_maps, "BACKENDS", ("numpy", "numba", "jax"))
    code, told, atlas = made("--map", "relu", "--dtype", "float32")
    assert code == 0
    assert {row.backend for row in atlas.judged} == {"numpy"}
    assert [(one.what, one.reason) for one in atlas.missing] == [("numba", "-"), ("jax", "no jax")]
    assert "missing: JAX: no jax" in told.out


def test_a_missing_framework_that_was_named_is_a_mistake(made, monkeypatch):
    monkeypatch.setattr(backends, "unavailable", lambda importing: {"jax": "no jax"})
    code, told, _ = made("--backend", "jax")
    assert code == 2
    assert "backend 'jax' is not usable here: no jax" in told.err


@pytest.mark.slow
def test_a_process_that_fails_loses_only_its_own_rows(made, monkeypatch):
    started = command._started

    def broken(name, folder, words):
        return started(name, folder, [*words, "--map=no_map"] if name == "reference" else words)

    monkeypatch.setattr(command, "_started", broken)
    code, _, atlas = made("--map", "relu", *SMALL, "--backend", "reference")
    assert code == 1
    assert {row.backend for row in atlas.judged} == {"numpy"}
    [missing] = atlas.missing
    assert missing.what == "reference"
    assert missing.reason.startswith("its process ended with 1: ValueError: unknown map 'no_map'")


def test_the_frameworks_are_found_where_the_reader_has_them(monkeypatch, tmp_path):
    """Otherwise another version might compute than the one that is stored."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr(command.subprocess, "Popen", lambda words, env, **_: env)
    path = command._started("numpy", tmp_path, []).process["PYTHONPATH"]
    assert path.split(":")[1:] == ["/elsewhere"]


def test_a_backend_without_maps_is_valid_and_has_no_rows(made):
    code, _, atlas = made("--map", "relu", *SMALL, "--backend", "reference")
    assert code == 0
    [missing] = atlas.missing
    assert (missing.what, missing.reason) == ("reference", "it has none of these maps")


def test_a_map_that_a_framework_refuses_is_a_note(made, tmp_path):
    path = tmp_path / "refused_map.py"
    path.write_text("def numpy(x):\n    raise TypeError('not for this dtype')\n\n\n"
                    "def exact(x):\n    return x\n")  # fmt: skip
    code, told, atlas = made("--map", str(path), "--map", "relu", *SMALL)
    assert code == 0
    assert {row.map for row in atlas.judged} == {"relu"}
    assert "TypeError: not for this dtype" in " ".join(told.out.split())


def test_a_call_that_refuses_numbers_outside_of_the_domain_loses_only_these(monkeypatch):
    """As PyTorch's cross-entropy does."""

    def evaluated(backend, cell, x):
        if not ((x >= 0) & (x <= 1)).all():
            raise RuntimeError("all elements of input should be between 0 and 1")
        return np.stack([x, x])

    monkeypatch.setattr(map_values, "evaluated", evaluated)
    cell = "cross_entropy_0", "float64", "eager"
    found = map_values.tried("torch", cell, np.array([0.5, 2.0, np.nan, -0.0]))
    assert np.array_equal(found[0], [0.5, np.nan, np.nan, 0.0], equal_nan=True)
    why = map_values.tried("torch", ("relu", "float64", "eager"), np.array([2.0]))
    assert why == "RuntimeError: all elements of input should be between 0 and 1"


# --- one's own map


@pytest.mark.slow
def test_the_example_is_judged_like_the_others(made):
    code, _, atlas = made("--map", str(SQUAREPLUS), "--backend", "numpy", "--dtype", "float64")
    assert code == 0
    [row] = atlas.judged
    assert row.map == "squareplus"
    assert max(row.value.ulp, row.derivative.ulp) <= 4
    assert atlas.maps[0].judged_by == "mpmath"


def test_without_derivative_the_formula_is_differentiated(tmp_path):
    text = SQUAREPLUS.read_text()
    path = tmp_path / "mine_map.py"
    path.write_text(text.replace("def derivative", "def unused"))
    mine, example = (MAPS[own_maps.add(str(file))] for file in (path, SQUAREPLUS))
    import mpmath

    with mpmath.workprec(200):
        for x in (-1e300, -40, -1e-300, 0, 1e-310, 0.5, 3, 1e200):
            found, exact = (one.derivative(mpmath.mpf(x)) for one in (mine, example))
            assert abs(found - exact) <= mpmath.mpf(2) ** -100 * abs(exact)


WITHOUT = '''"""A cube."""


def numpy(x):
    return x * x * x, 3 * x * x
'''


@pytest.mark.slow
def test_a_map_without_formula_is_compared_with_long_double(made, tmp_path):
    path = tmp_path / "cube_map.py"
    path.write_text(WITHOUT)
    code, told, atlas = made("--map", str(path), "--backend", "numpy", "--dtype", "float64")
    assert code == 0
    assert atlas.maps[0].judged_by == "its NumPy function in long double"
    assert "cube has no formula" in told.out
    if np.finfo(np.longdouble).eps < np.finfo(float).eps:
        assert 0.4 < atlas.judged[0].value.ulp < 2


def test_a_file_that_is_no_map(tmp_path):
    path = tmp_path / "empty_map.py"
    path.write_text("x = 1\n")
    with pytest.raises(ValueError, match="has none of the functions numpy, numba, jax, torch"):
        own_maps.add(str(path))
    path.write_text("import no_such_module\n")
    with pytest.raises(ValueError, match="ModuleNotFoundError: No module named 'no_such_module'"):
        own_maps.add(str(path))
    path = tmp_path / "relu_map.py"
    path.write_text(WITHOUT)
    with pytest.raises(ValueError, match="there is a map named 'relu' already"):
        own_maps.add(str(path))


# --- points


@pytest.mark.parametrize("precision", FORMATS)
@pytest.mark.parametrize("name", ["relu", "log1p", "cross_entropy_0"])
def test_points_are_numbers_of_the_dtype_in_every_binade_of_the_domain(name, precision):
    at, one, form = map_points.points(MAPS[name], precision), MAPS[name], FORMATS[precision]
    assert np.array_equal(form.rounded(at.x), at.x, equal_nan=True)
    sample = at.x[~at.is_special]
    assert (np.diff(sample) > 0).all()
    low, high = one.domain
    assert ((sample >= low) & (sample <= high)).all()
    most = min(int(np.frexp(min(high, form.largest))[1]) - 1, form.most)
    least = form.least - (0 if precision in map_points.CARRIERS else form.bits - 1)
    assert {*range(least, most)} <= {*(np.frexp(sample[sample > 0])[1] - 1)}
    special = at.x[at.is_special]
    assert {*one.kinks, form.tiny, form.largest, np.inf} <= {*special}
    assert np.isnan(special).any()
    assert ((special > 0) & (special < form.tiny)).any(), "a subnormal number"


def test_what_is_measured_is_read_again(tmp_path):
    path = tmp_path / "found.npz"
    found = {"relu float64 eager": np.ones((2, 3)), "elu float64 eager": "TypeError: no"}
    map_values.store(path, found)
    arrays, notes = map_values.read(path)
    assert np.array_equal(arrays["relu float64 eager"], np.ones((2, 3)))
    assert notes == {"elu float64 eager": "TypeError: no"}


def test_a_lost_subnormal_number_is_no_error_of_the_table():
    exact = maps.exact("relu", (at := map_points.points(MAPS["relu"], "float64")).x)
    truth = Truth(*at, (Exact(*exact[:2]), Exact(*exact[2:])))
    tiny = np.finfo(float).tiny
    found = np.stack([np.where(np.abs(exact[0]) < tiny, 0, exact[0]), exact[2]])
    assert (found[0] != exact[0]).any()
    row = analyse.judged(Row("relu", "float64", "jax", "step", found), truth)
    assert row.value.ulp == 0
