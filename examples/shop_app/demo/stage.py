"""What every chapter stands on: a shop made from nothing, and a way to print in at most 100 columns."""

from __future__ import annotations

import io
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Engine, create_engine, event

from examples.shop_app.models import Base
from examples.shop_app.staff import employ
from sa_privacy import AccessLog, Keyring, Privacy, PrivacyError

__all__ = ["ACTING", "POLICY", "Acting", "Stage", "new_console", "open_shop"]

POLICY = Path(__file__).parents[1] / "privacy.toml"
WIDTH = 100


class Acting(NamedTuple):
    """Who acts for a purpose in this demo."""

    actor: str | None
    role: str
    subject: int | None = None


ACTING = {
    "shipping": Acting("staff:17", "warehouse"),
    "order_confirmation": Acting("staff:21", "order_desk"),
    "campaigns": Acting("staff:34", "marketing"),
    "service_improvement": Acting("staff:42", "analyst"),
    "inquiries": Acting("staff:58", "support"),
    "account": Acting("customer:1", "customer", subject=1),
    "sign_in": Acting(None, "visitor"),
    "registration": Acting(None, "visitor"),
}


def open_shop(directory: Path) -> tuple[Privacy, AccessLog, Engine]:
    """Opens the shop of a directory. Where there is none it is set up, empty: new keys, a new log, a new database with its tables.

    :param directory: holds ``keys.json``, ``access-log/``, ``erasures/`` and ``shop.db`` afterwards.
    """
    new = not (directory / "keys.json").exists()
    if new:
        Keyring.generate().save(directory / "keys.json")
    keys = Keyring.load(directory / "keys.json")
    log = AccessLog.open(directory / "access-log")
    erasures = AccessLog.open(directory / "erasures")
    privacy = Privacy(POLICY, keys=keys, log=log, metadata=Base, erasures=erasures)
    engine = create_engine(f"sqlite:///{directory / 'shop.db'}")
    privacy.install(engine, walls=True)
    if new:
        Base.metadata.create_all(engine)
        privacy.metadata.create_all(engine)  # the library's own tables
        employ(privacy, engine)
    return privacy, log, engine


def new_console() -> Console:
    """A console that is never wider than the demo is laid out for."""
    return Console(width=min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns), highlight=False, markup=False)


@dataclass
class Stage:
    """The shop, and where the chapters print.

    :param someone: the customer that the chapters look at.
    """

    directory: Path
    privacy: Privacy
    log: AccessLog
    engine: Engine
    console: Console
    language: str
    someone: int
    chapters: int = 0

    @property
    def database(self) -> Path:
        return self.directory / "shop.db"

    def chapter(self, title: str, explanation: str) -> None:
        """Begins the next chapter."""
        self.chapters += 1
        self.console.print()
        self.console.print(Rule(Text(f" {self.chapters}. {title} ", style="bold"), align="left"))
        self.console.print(" ".join(explanation.split()))
        self.console.print()

    def say(self, text: str | Text) -> None:
        """Prints a paragraph; line breaks in a plain text do not count."""
        self.console.print(text if isinstance(text, Text) else " ".join(text.split()))

    def code(self, source: str, language: str = "python") -> None:
        """Prints code, indented."""
        code = Syntax(source, language, theme="ansi_dark", background_color="default", word_wrap=True)
        self.console.print(Padding(code, (0, 0, 0, 2)))

    def indented(self, text: Text) -> None:
        """Prints a result, under the code that made it."""
        self.console.print(Padding(text, (0, 0, 0, 4)))

    def error(self, error: Exception) -> None:
        """Prints an error as a traceback would end with it."""
        name = type(error).__name__ if isinstance(error, PrivacyError) else f"{type(error).__qualname__}:"
        for line in f"{name} {error}".splitlines():
            further = " " * (len(line) - len(line.lstrip()) + 2)
            wrapped = textwrap.fill(line, self.console.width - 4, subsequent_indent=further, break_on_hyphens=False)
            self.indented(Text(wrapped, style="red"))

    def table(self, *headings: str) -> Table:
        """A table in the demo's style; print it with ``stage.console.print``."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in headings:
            table.add_column(heading, overflow="fold")  # nothing is cut off; Japanese has no spaces to break at
        return table

    @contextmanager
    def printed(self) -> Iterator[None]:
        """Prints, indented, what is printed in the block."""
        written = io.StringIO()
        with redirect_stdout(written):
            yield
        for line in written.getvalue().splitlines():
            for part in textwrap.wrap(line, self.console.width - 8) or [""]:
                self.indented(Text(part, style="dim"))

    @contextmanager
    def sent(self) -> Iterator[list[str]]:
        """Collects the SQL that the driver gets, as SQLAlchemy tells anyone who listens."""
        statements: list[str] = []

        def listen(_connection: Connection, _cursor: object, sql: str, *_rest: object) -> None:
            statements.append(sql)

        event.listen(self.engine, "before_cursor_execute", listen)
        try:
            yield statements
        finally:
            event.remove(self.engine, "before_cursor_execute", listen)
