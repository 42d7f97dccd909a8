"""What is free for a process, within made-up limits of its cgroups."""

import psutil
import pytest

from benchmarks.memory import free, within_limits

NAMES = {  # of limit, use, and what the kernel gives back, in version 2 and 1
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@pytest.fixture(params=NAMES, ids=["version 2", "version 1"])
def controllers(request):
    return request.param


def limited(folder, controllers, limit, used, reclaimable):
    names = NAMES[controllers]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {reclaimable}\n")


def left(tmp_path, controllers, path="/user/job"):
    own = tmp_path / "own"
    own.write_text(f"4:cpu:/elsewhere\n7:{controllers}:{path}\n")
    return sorted(within_limits(tmp_path / "cgroup", own))


def test_every_limit_on_the_way_up_counts(tmp_path, controllers):
    top = tmp_path / "cgroup" / controllers
    limited(top / "user" / "job", controllers, 1000, 300, 100)
    limited(top / "user", controllers, 5000, 4900, 0)
    limited(top / "other", controllers, 10, 0, 0)
    limited(tmp_path, controllers, 1, 1, 0)  # above all cgroups
    assert left(tmp_path, controllers) == [100, 800]


@pytest.mark.parametrize("limit", ["max", "", "no number"])
def test_without_a_limit_nothing_is_said(tmp_path, controllers, limit):
    limited(tmp_path / "cgroup" / controllers / "user" / "job", controllers, limit, 300, 100)
    assert left(tmp_path, controllers) == []


def test_more_than_the_limit_is_nothing_left(tmp_path, controllers):
    limited(tmp_path / "cgroup" / controllers / "user" / "job", controllers, 200, 300, 0)
    assert left(tmp_path, controllers) == [0]


def test_without_cgroups_nothing_is_said(tmp_path):
    assert list(within_limits(tmp_path, tmp_path / "missing")) == []


def test_free_is_no_more_than_the_machine_has():
    assert 0 < free() <= psutil.virtual_memory().total
