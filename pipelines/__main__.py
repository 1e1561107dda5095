"""`python -m pipelines live [--runner=…] [OPTIONS]`."""

import sys

from infra.settings import Settings
from schemas.errors import TonearmError

USAGE = "usage: python -m pipelines live [--runner=PrismRunner|FlinkRunner|DataflowRunner|…] [Beam's options]"


def main(words: list[str]) -> int:
    """Run the pipeline that the first word names; the exit status."""
    if words[:1] != ["live"]:
        print(USAGE, file=sys.stderr)
        return 2
    from pipelines.run import run_live

    try:
        run_live(Settings(), words[1:])
    except TonearmError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
