"""A run that is ended from outside: what had finished is on disk, and is marked as partial."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.__main__ import main
from benchmarks.store.journal import JOURNAL, gather
from tests.guests import guest

pytestmark = pytest.mark.slow  # each runs benchmarks in processes of their own
ROOT = Path(__file__).parents[1]
QUICK = "--quick", "--model", "linear", "--formulation", "dense"
SHORT = "--backend", "numpy", "--processes", "1", *QUICK, "-k", "B32"  # in case it begins to run
LIMIT = "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (2**{0}, 2**{0})); "
KILL = "import os, signal; os.kill(os.getppid(), signal.SIG{}); signal.pause()"


def python(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def interruptible():
    """What a shell starts in the background ignores Ctrl-C, and so do the processes it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run(path, *backends):
    """A run of one process of each backend."""
    chosen = [word for name in backends for word in ("--backend", name)]
    command = ["-m", "benchmarks", "run", "--processes", "1", "--benchmark-json", path]
    return python(*command, *chosen, *QUICK, "-k", "B32 or training")


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of results in which a run was killed in the second of its three processes."""
    folder = tmp_path_factory.mktemp("results") / "machine"
    folder.mkdir()
    (folder / "0001_full.json").write_text("of an earlier day")
    kills = guest(folder.parent, "kills", KILL.format("KILL"))
    done = run(folder / "0002_full.json", "numpy", kills, "reference")
    assert done.returncode == -9
    return folder


@pytest.fixture
def left(killed, tmp_path):
    """A copy of what it left."""
    folder = tmp_path / "machine"
    for name, data in contents(killed).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_a_killed_run_leaves_what_had_finished(left):
    assert not (left / "0002_full.json").exists()
    found = gather(left / "0002_full")
    assert [part["processes"][0]["name"] for part in found.parts] == ["numpy"]
    missing = [process["name"] for process in found.failed]
    assert missing == ["kills, process 1 of 1", "reference, process 1 of 1"]


@pytest.mark.skipif(sys.platform != "linux", reason="processes end with their parent on Linux only")
def test_no_process_outlives_it(killed):
    """The one under way would wait for ever."""
    words = str(killed / "0002_full")
    left = [p for p in psutil.process_iter(["cmdline"]) if words in str(p.info["cmdline"])]
    assert psutil.wait_procs(left, timeout=30)[1] == []


def test_what_it_leaves_becomes_a_partial_run(left, capsys):
    (left / "0001_full.txt").write_text("of an earlier day")
    before = contents(left)
    assert main(["report", str(left / "0002_full")]) == 0
    stored = json.loads((left / "0002_partial.json").read_text(encoding="utf-8"))
    assert {row["extra_info"]["backend"] for row in stored["benchmarks"]} == {"numpy"}
    assert len(stored["failed"]) == 2
    out = capsys.readouterr().out
    assert "Partial run: 2 of 3 processes are missing or were cut short." in out
    for name in ("0002_partial.txt", "README.md", "report.html"):
        assert "Partial run: 2 of 3 processes are missing or were cut short." in (
            left / name
        ).read_text(encoding="utf-8")
    assert before.items() <= contents(left).items(), "nothing that was there has changed"


def test_the_same_folder_gives_the_same_run_again(left, capsys):
    for _ in range(2):
        assert main(["report", str(left / "0002_full")]) == 0
    assert not list(left.glob(".*"))


def test_a_part_that_is_cut_off_is_left_out_and_named(left, capsys):
    part = left / "0002_full" / "01.json"
    part.write_bytes(part.read_bytes()[:-100])
    assert main(["report", str(left / "0002_full")]) == 2
    assert "nothing was measured before the run ended" in capsys.readouterr().err
    [failed, *_] = gather(left / "0002_full").failed
    assert failed["reason"].startswith(f"left out: {part}: not valid JSON: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory"),
        ("", "not valid JSON"),
        ("[]", "not the journal of a run: Expected `object`, got `array`"),
        (
            '{"run": "x.json", "jobs": [{"name": 3}]}',
            "not the journal of a run: Expected `str`, got `int` - at `$.jobs[0].name`",
        ),
    ],
)
def test_a_folder_that_is_none_of_a_run(tmp_path, capsys, text, message):
    if text is not None:
        (tmp_path / JOURNAL).write_text(text)
    before = contents(tmp_path)
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path / JOURNAL}: {message}")
    assert contents(tmp_path) == before


def test_another_run_does_not_take_its_place(left):
    before = contents(left)
    done = run(left / "0002_full.json", "numpy")
    assert done.returncode == 2
    [line] = done.stderr.strip().splitlines()
    assert line.startswith(f"{left / '0002_full'}: holds a run that was not finished; python -m")
    assert contents(left) == before


def test_an_interrupted_run_is_stored_at_once(tmp_path):
    interrupts = guest(tmp_path, "interrupts", KILL.format("INT"))
    done = run(tmp_path / "run.json", "numpy", interrupts, "reference")
    assert done.returncode == 1
    assert "interrupted" in done.stdout
    assert "Partial run: 2 of 3 processes are missing or were cut short." in done.stdout
    stored = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert [process["reason"] for process in stored["failed"]] == [
        "interrupted", "not measured: the run ended before or during it",
    ]  # fmt: skip
    assert {row["extra_info"]["backend"] for row in stored["benchmarks"]} == {"numpy"}


def measure(path, backend, *arguments):
    """Everything in one process."""
    return python(
        "-m", "pytest", "--benchmark-only", *QUICK, "-k", "B32 or training",
        f"--backend={backend}", f"--benchmark-json={path}", *arguments,
    )  # fmt: skip


def test_one_process_that_is_interrupted_says_so(tmp_path):
    """It is interrupted in its second file; the rows of the first one are kept."""
    stops = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    path = tmp_path / "run.json"
    done = measure(path, guest(tmp_path, "stops", stops), "benchmarks/bench_gradient.py",
                   "benchmarks/bench_training.py")  # fmt: skip
    assert done.returncode == 2
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert {row["group"].split(" ")[0] for row in stored["benchmarks"]} == {"gradient"}
    assert stored["failed"] == [{"name": "stops", "reason": "interrupted"}]
    assert "Partial run: 1 of 1 processes are missing or were cut short." in done.stdout


def test_a_row_that_raises_an_error_is_void_with_it(tmp_path):
    path = tmp_path / "run.json"
    done = measure(path, guest(tmp_path, "raises", "raise OSError('no  luck')"))
    assert done.returncode == 1
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert {row["group"].split(" ")[0] for row in stored["benchmarks"]} == {"gradient"}
    assert [row["void"] for row in stored["void"]] == ["OSError: no luck"]
    assert stored["void"][0]["backend"] == "raises"
    assert "void: " in done.stdout


def unprivileged():
    """The prefix of a command that file permissions apply to, or None if there is none."""
    if os.geteuid():
        return []
    enter = ["unshare", "--user"]
    try:
        done = subprocess.run([*enter, "true"], capture_output=True, check=False)
    except OSError:
        return None
    return enter if done.returncode == 0 else None


PLACES = {
    "a file for a folder": ("file/run.json", "nothing can be stored there: File exists"),
    "a folder": ("folder.json", "exists already, and no stored run is overwritten"),
    "a stored run": ("stored.json", "exists already, and no stored run is overwritten"),
    "no JSON": ("run", "a run is stored in a file named *.json"),
    "a long name": ("x" * 300 + ".json", "File name too long"),
}


@pytest.fixture
def places(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "stored.json").write_text("{}")
    (tmp_path / "folder.json").mkdir()
    return tmp_path


@pytest.mark.parametrize("case", PLACES)
def test_a_place_that_cannot_be_written_is_told_before_anything_runs(places, case, capsys):
    name, message = PLACES[case]
    before = contents(places)
    assert main(["run", "--benchmark-json", str(places / name), *SHORT]) == 2
    out, err = capsys.readouterr()
    [line] = err.splitlines()
    assert line.startswith(f"{places / name}: ")
    assert line.endswith(message)
    assert out == ""
    assert contents(places) == before


def test_one_process_tells_it_as_well(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    done = measure(tmp_path / "run.json", "numpy")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip() == (
        f"ERROR: {tmp_path / 'run.json'}: exists already, and no stored run is overwritten"
    )


def test_a_folder_without_the_right_to_write(tmp_path):
    enter = unprivileged()
    if enter is None:
        pytest.skip("root may write everywhere, and cannot give up its rights here")
    tmp_path.chmod(0o555)
    command = [*enter, sys.executable, "-m", "benchmarks", "run", "--benchmark-json"]
    done = subprocess.run(
        [*command, tmp_path / "run.json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    tmp_path.chmod(0o755)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line == f"{tmp_path / 'run.json'}: nothing can be stored there: Permission denied"


def test_no_room_is_told_before_anything_runs(tmp_path):
    """A limit on file sizes, in place of a full disk: both show when the file is written."""
    code = LIMIT.format(20) + "import sys; from benchmarks.__main__ import main; "
    code += f"sys.exit(main(['run', '--benchmark-json', {str(tmp_path / 'run.json')!r}]))"
    done = python("-c", code)
    assert done.returncode == 2
    expected = f"{tmp_path / 'run.json'}: nothing can be stored there: File too large\n"
    assert done.stderr == expected
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_the_file_of_before(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("of before")
    code = LIMIT.format(10) + "from pathlib import Path; from benchmarks.store.files import put; "
    done = python("-c", f"{code} put(Path({str(path)!r}), 'x' * 2**11)")
    assert f"OSError: [Errno 27] File too large: '{path}'" in done.stderr
    assert contents(tmp_path) == {Path("run.json"): b"of before"}
