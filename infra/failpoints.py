"""Points at which a test can kill the process, to show that nothing is lost or doubled by dying there.

`TONEARM_FAILPOINT=name` makes the process send itself SIGKILL when it reaches that point; unset (always, outside
tests) a point costs one dictionary look-up. Nothing is cleaned up: that is the purpose.
"""

import os
import signal

VARIABLE = "TONEARM_FAILPOINT"


def reach(name: str) -> None:
    """Die here, uncatchably, if the environment asks for the failpoint `name`."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
