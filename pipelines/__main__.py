"""`python -m pipelines live [--runner=…] [OPTIONS]`: a life of the live pipeline; `supervise`: one after the other."""

import os
import sys
from contextlib import ExitStack

from infra.settings import Settings
from schemas.errors import TonearmError

USAGE = "usage: python -m pipelines live|supervise [--runner=PrismRunner|FlinkRunner|DataflowRunner|…] [Beam's options]"


def main(words: list[str]) -> int:
    """Do what the first word names; the exit status."""
    if words[:1] not in (["live"], ["supervise"]):
        print(USAGE, file=sys.stderr)
        return 2
    with ExitStack() as runner:
        try:
            _run(words[0], words[1:], runner)
        except TonearmError as error:
            _say_last(str(error))
            return error.exit_status
        except KeyboardInterrupt:
            return 130
    return 0


def _run(what: str, options: list[str], runner: ExitStack) -> None:
    if what == "supervise":
        from pipelines.keep_alive import supervise

        supervise(Settings(), options)
        return
    from pipelines.run import run_live

    run_live(Settings(), options, runner)


def _say_last(sentence: str) -> None:
    """Threads of Beam that lose their runner complain at length: who reads the log's last line wants the reason."""
    print(sentence, file=sys.stderr, flush=True)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a descriptor is wanted)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere.fileno(), stream.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
