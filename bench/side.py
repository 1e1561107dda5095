"""One side of a comparison, alone in its process: `python -m bench.side module:function '{"argument": …}'`."""

import json
import sys
from importlib import import_module


def main(side: str, arguments: str) -> None:
    module, _, function = side.partition(":")
    getattr(import_module(module), function)(**json.loads(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
