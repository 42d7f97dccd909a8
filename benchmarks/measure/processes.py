"""Several processes that share a batch: they start together, and none waits for a lost one forever.

A framework waits in its own code, where Python is not heard; JAX ends the process if another one is
gone. So a timer prints the line and ends this process, and every row is stored when it is measured.
"""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import pytest

import backends
from benchmarks.measure.devices import rank

START, ROW = 60, 300  # seconds to wait for the others, and for a row
UNFINISHED = "the run ended before all rows were measured"
GONE = "another process ended or failed"
STDERR = os.dup(2)  # pytest captures number 2 while a row is measured


def join(named: list[str], devices: int) -> None:
    """Connect this process, of so many devices, with the others, before its backend is loaded.

    Raises ValueError for other than one backend, for one that works in one process only, and if it
    takes no more than one device there. Ends this process with code 1 if the others do not come.
    """
    if len(named) != 1:
        raise ValueError(
            "--devices: a process measures one backend, as with --backend jax; "
            "python -m benchmarks run --devices N measures each"
        )
    where = f"{os.environ.get('MASTER_ADDR', '')}:{os.environ.get('MASTER_PORT', '')}"
    with _at_most(START, f"no connection with all processes at {where} within {START} s"):
        backends.join(named[0], 2 * START, devices)


@contextmanager
def _at_most(seconds: int, message: str) -> Iterator[None]:
    """End this process with code 1 and the message if the block takes longer."""
    timer = Timer(seconds, _end, [message])
    timer.daemon = True
    timer.start()
    try:
        yield
    except ValueError:
        raise
    except Exception as error:  # whatever a framework raises
        _end(f"{message}: {' '.join(str(error).split())}")
    finally:
        timer.cancel()


def _end(message: str) -> None:
    os.write(STDERR, f"{message}\n".encode())
    os._exit(pytest.ExitCode.TESTS_FAILED)  # not sys.exit: JAX would wait for the others


class Processes:
    """The plugin of a process that shares its batches with others.

    failed is the key of the stash for the reason why this process ended early; store stores rows.
    """

    def __init__(self, failed: Any, store: Callable[[Any, list[Any]], None]) -> None:
        self.failed, self.store = failed, store

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stop after the current row at SIGTERM: torchrun sends it if another process has ended."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop(session))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, Any, Any]:
        with _at_most(ROW, f"no answer from another process within {ROW} s, in {item.name}"):
            done = yield
        if rank() == 0 and not item.session.shouldstop:
            self._store(item.config, is_last=nextitem is None)
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
        """Stop if a call fails: the other processes wait in it, or have ended.

        One line says why: what a framework raises does not come from the lines that called it.
        """
        report = yield
        if report.failed and not isinstance(call.excinfo.value, pytest.fail.Exception):
            report.longrepr = " ".join(call.excinfo.exconly().split())
            self._stop(item.session)
        return report

    def pytest_unconfigure(self, config: Any) -> None:
        if self.failed in config.stash:
            _end("")

    def _store(self, config: Any, is_last: bool) -> None:
        if not is_last:
            config.stash.setdefault(self.failed, UNFINISHED)
        self.store(config, config._benchmarksession.benchmarks)
        if config.stash.get(self.failed, "") == UNFINISHED:  # or SIGTERM has come meanwhile
            del config.stash[self.failed]

    def _stop(self, session: pytest.Session) -> None:
        session.config.stash[self.failed] = session.shouldstop = GONE
