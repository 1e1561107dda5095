"""`python -m infra.local.supervisor SERVICE…`: own the stack until a signal; settings are JSON on standard input."""

import sys
import time

from infra.local.supervise import hold, say_nothing
from infra.settings import Settings
from schemas.errors import ConfigurationError, TonearmError

WATCH_INTERVAL = 1.0  # seconds


def main() -> int:
    """Start the services, watch them, and stop them at the end; the exit status."""
    settings = Settings.model_validate_json(sys.stdin.read())
    try:
        with hold(settings, sys.argv[1:], say_nothing, supervisor=True) as servers:
            if servers is None:
                raise ConfigurationError("The local stack is running or being started already.")
            while True:
                time.sleep(WATCH_INTERVAL)
                servers.check()
    except TonearmError as error:
        print(error, file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
