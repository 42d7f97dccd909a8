"""Rounds: what is called when and how often, what a made-up clock shows, what is void."""

import gc
from collections import Counter
from types import SimpleNamespace

import pytest

from benchmarks.measure import block, rounds
from benchmarks.measure.block import Call, prepare
from benchmarks.measure.rounds import measure


class Pedantic:
    """The part of the fixture that is used: setup, the timed target, teardown, round by round."""

    def __init__(self):
        self.data = []

    def pedantic(self, target, *, setup, teardown, rounds, iterations):
        assert iterations == 1
        for _ in range(rounds):
            args, kwargs = setup()
            start = CLOCK.seconds
            result = target(*args, **kwargs)
            self.data.append(CLOCK.seconds - start)
            teardown(*args, **kwargs)
        return result


class Clock:
    """A clock that stands still, except in the calls that take seconds."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


CLOCK = Clock()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(CLOCK, "seconds", 0.0)
    monkeypatch.setattr(block, "perf_counter", CLOCK)
    monkeypatch.setattr(rounds, "look", lambda call: ({}, ""))  # test_sentinels.py has it
    monkeypatch.setattr(rounds.calibration, "seconds", lambda: 1e-3)


def module(ready=lambda tree: True, seconds=dict):
    """A backend, as far as rounds use it."""
    return SimpleNamespace(is_ready=ready, compile_seconds=seconds)


def called(log, name, seconds=1e-3, calls=1, of=None):
    """A call that logs its name and takes these seconds; it returns how often it was called."""

    def function():
        log.append(name)
        CLOCK.seconds += seconds
        return log.count(name)

    return Call(function, of or module(), calls, is_short=calls > 1)


@pytest.mark.parametrize(
    ("seconds", "calls"), [(1.2e-4, 5), (4e-4, 2), (6e-4, 1), (1.0, 1), (1.7e-6, 295)]
)
def test_a_block_is_as_many_calls_as_fill_it(seconds, calls, monkeypatch):
    monkeypatch.setattr(block, "BLOCK", 5e-4)
    log = []
    found = prepare(called(log, "own", seconds).function, None)
    assert found.calls == calls
    assert found.is_short is (seconds < block.SHORT)
    assert len(log) == 2 or seconds < 10 * block.BLOCK, "one to be warm, one timed"


def test_an_interrupted_call_is_no_reason_for_a_shorter_block(monkeypatch):
    monkeypatch.setattr(block, "BLOCK", 5e-4)
    seconds = iter([1.0, 3e-3])  # cold, interrupted

    def function():
        CLOCK.seconds += next(seconds, 1.2e-4)

    assert prepare(function, None).calls == 5


def test_the_others_are_before_and_after_in_turn():
    log, benchmark = [], Pedantic()
    others = {name: called(log, name) for name in ("baseline", "elementwise", "C")}
    measure(benchmark, called(log, "own"), others, 4)
    before, after = [*others, "own"], ["own", *reversed(others)]
    assert log == [*before, *after, *before, *after]


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_every_round_has_a_block_of_each(count):
    log, benchmark = [], Pedantic()
    own, other = called(log, "own", calls=3), called(log, "other", calls=5)
    timed = measure(benchmark, own, {"other": other}, count)
    assert Counter(log) == {"own": 4 * count, "other": 6 * count}, "one more, to be warm"
    assert timed.result == 4 * count, "what the last call returned"
    assert timed.others == {"other": 6 * count}
    assert timed.info["calls"] == 3
    assert [len(timed.info[key]) for key in ("faults", "calibration")] == [count, 2]
    assert len(timed.info["beside"]["other"]) == len(benchmark.data) == count
    assert timed.problem == ""


def test_the_first_call_of_a_block_is_not_timed():
    """It takes a second here, since the side timed before it has filled the caches."""
    last = []

    def cold_after_another(name, calls):
        def function():
            CLOCK.seconds += 1e-3 if name in last else 1.0
            last[:] = [name]

        return Call(function, module(), calls, is_short=calls > 1)

    benchmark = Pedantic()
    others = {"other": cold_after_another("other", 3), "long": cold_after_another("long", 1)}
    info = measure(benchmark, cold_after_another("own", 2), others, 4).info
    assert benchmark.data == pytest.approx([2e-3] * 4)
    assert info["beside"]["other"] == pytest.approx([1e-3] * 4)
    assert info["beside"]["long"][:1] == pytest.approx([1.0]), "it fills a block alone"


def test_beside_are_the_seconds_of_one_call():
    """The fixture has those of a block, which are divided when the row is stored."""
    log, benchmark = [], Pedantic()
    others = {"four": called(log, "four", 1e-3, 4), "one": called(log, "one", 5e-3)}
    timed = measure(benchmark, called(log, "own", 2e-3, 3), others, 2)
    assert benchmark.data == pytest.approx([6e-3] * 2)
    assert timed.info["beside"]["four"] == pytest.approx([1e-3] * 2)
    assert timed.info["beside"]["one"] == pytest.approx([5e-3] * 2)


def test_faults_are_those_of_one_call_of_its_own(monkeypatch):
    log = []
    monkeypatch.setattr(rounds, "minor_faults", lambda: 8 * log.count("own") + log.count("other"))
    own, other = called(log, "own", calls=3), called(log, "other", calls=5)
    assert measure(Pedantic(), own, {"other": other}, 4).info["faults"] == [8] * 4


@pytest.mark.parametrize("late", [1, 2, 4])
def test_one_late_round_is_enough(late):
    own = called([], "own", of=module(ready=lambda result: result != late))
    problem = measure(Pedantic(), own, {}, 4).problem
    assert problem == "its output was not ready when the clock stopped"


def test_the_others_may_not_be_late_either():
    other = called([], "other", of=module(ready=lambda result: result != 3))
    problem = measure(Pedantic(), called([], "own"), {"other": other}, 4).problem
    assert problem == "its output was not ready when the clock stopped"


@pytest.mark.parametrize("guilty", ["own", "other"])
def test_whoever_compiles_it_is_void(guilty):
    log = []
    of = module(seconds=lambda: {"trace": 0.25 * (log.count(guilty) == 3), "compile": 1.0})
    calls = {n: called(log, n, of=of if n == guilty else None) for n in ("own", "other")}
    problem = measure(Pedantic(), calls["own"], {"other": calls["other"]}, 3).problem
    assert problem == "something was compiled for 0.25 s inside the timed region"


def test_no_collection_while_timing_and_again_afterwards():
    seen = []
    own = Call(lambda: seen.append(gc.isenabled()), module(), 1)
    measure(Pedantic(), own, {}, 3)
    assert seen == [False] * 3
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        measure(Pedantic(), Call(lambda: 1 / 0, module(), 1), {}, 3)
    assert gc.isenabled()


def test_a_short_call_beside_a_long_one_has_a_longer_block():
    """A twentieth of the long one: a loop of 4 ms beside a run of 0.6 s is called 8 times."""
    short, long = (block.Call(None, None, 1, seconds=s) for s in (4e-3, 0.6))
    shortest = block.Call(None, None, 20, seconds=1e-5)
    everyone = short, long, shortest
    assert [call.beside(everyone).calls for call in everyone] == [8, 1, 3000]
    assert [call.beside([]).calls for call in everyone] == [1, 1, 20]
