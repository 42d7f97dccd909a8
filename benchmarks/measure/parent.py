"""A process that does not outlive the one that started it, however that one ended."""

import signal
import sys


def end_with_the_parent() -> None:
    """Ask Linux to end this process when its parent ends; elsewhere it goes on to its own end."""
    if sys.platform == "linux":
        import ctypes  # NumPy imports it, too, which a life has under the clock

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
