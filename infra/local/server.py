"""What the stack has to know of a server: its ports, its command and when it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Protocol

from infra.settings import Settings
from schemas.errors import ConfigurationError

TEMPLATES = Path(__file__).with_name("conf")


@dataclass(frozen=True)
class Place:
    """Where one server of one stack lives: `<home>/<service>`, with its configuration in `conf` and files in `data`."""

    settings: Settings
    service: str
    ports: Mapping[str, int]

    @property
    def home(self) -> Path:
        """The stack's home, absolute."""
        return self.settings.home.resolve()

    @property
    def folder(self) -> Path:
        """Everything that the server writes but its log."""
        return self.home / self.service

    @property
    def conf(self) -> Path:
        """Rendered configuration."""
        return self.folder / "conf"

    @property
    def data(self) -> Path:
        """What a restart finds again."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.home / "logs" / f"{self.service}.log"

    @property
    def toolchain(self) -> Path:
        """The folder that set-up filled, absolute."""
        return self.settings.toolchain.resolve()

    def render(self, template: str, name: str) -> Path:
        """Fill a template's ports and folders in and write it to `conf/<name>`."""
        self.conf.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        words = {**{port: str(number) for port, number in self.ports.items()}, "data": str(self.data)}
        target = self.conf / name
        target.write_text(Template((TEMPLATES / template).read_text()).substitute(words))
        return target

    def jars(self) -> str:
        """The server's class path.

        Raises:
            ConfigurationError: set-up has not brought the jars.
        """
        folder = self.toolchain / "jars" / self.service
        if not any(folder.glob("*.jar")):
            raise ConfigurationError(f"The jars of {self.service} are not in {folder}: run `make setup`.")
        return f"{folder}/*"


@dataclass(frozen=True)
class Command:
    """How to start a server: the words, absolute program first, and variables beside the environment's own."""

    words: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


class Server(Protocol):
    """One kind of server; stateless, all that varies is in the place."""

    @property
    def name(self) -> str:
        """The service, as in `SERVICES`."""

    @property
    def title(self) -> str:
        """The service in words for people."""

    @property
    def port_names(self) -> tuple[str, ...]:
        """The ports that it listens on; the first is `port`, which clients use."""

    def pinned_port(self, settings: Settings) -> int:
        """The client port that the user asked for, or 0."""

    def prepare(self, place: Place) -> Command:
        """Write configuration, make storage where there is none, and say what to start."""

    def answers(self, place: Place) -> bool:
        """Whether a client of its protocol gets an answer now."""
