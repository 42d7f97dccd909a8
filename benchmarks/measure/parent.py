"""End a process when the process that started it ends, in whatever way."""

import signal
import sys


def end_with_the_parent() -> None:
    """Ask Linux to kill this process when its parent ends; on other systems do nothing."""
    if sys.platform == "linux":
        import ctypes  # not above: NumPy imports it, which life.py times

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
