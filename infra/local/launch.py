"""Become a server that does not outlive its parent: `python launch.py PARENT-PID COMMAND…`.

The kernel is asked to send SIGTERM when the parent dies, however it dies. That has to be asked for in the child, and
running Python code between fork and exec of a process with threads is unsafe; so the child asks here, then execs,
which keeps its process id. The parent is the *thread* that started it: start servers from one that stays.
Standard library only.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, make sure that the parent was still there to be watched, and exec."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
