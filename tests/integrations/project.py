"""A directory of real migration scripts, driven through Alembic's own commands."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData

#: What SQLAlchemy and Alembic say on SQLite of every index over an expression: that they leave it out.
SILENT = [
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index"),
]
ENV = """
from alembic import context

import sa_privacy.integrations.alembic

config = context.config
options = dict(config.attributes["options"], target_metadata=config.attributes["metadata"])
if context.is_offline_mode():
    context.configure(dialect_name=config.attributes["engine"].dialect.name, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with config.attributes["engine"].connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
"""
REVISION = '''"""{name}"""
import sqlalchemy as sa
from alembic import op
from sa_privacy.integrations.alembic import lookup

revision = {name!r}
down_revision = {before!r}


def upgrade():
    {up}


def downgrade():
    {down}
'''


class Project:
    """An application's migrations.

    :param options: of ``context.configure``.
    """

    def __init__(
        self, directory: Path, engine: Engine, metadata: MetaData | Sequence[MetaData], **options: Any
    ) -> None:
        self.engine = engine
        self.config = Config(directory / "alembic.ini", stdout=io.StringIO())
        command.init(self.config, str(directory / "migrations"))
        (directory / "migrations" / "env.py").write_text(ENV, encoding="utf-8")
        self.config.set_main_option("script_location", str(directory / "migrations"))
        self.config.set_main_option("sqlalchemy.url", "not used")
        options = {"render_as_batch": engine.dialect.name == "sqlite"} | options
        self.config.attributes.update(engine=engine, metadata=metadata, options=options)

    @property
    def scripts(self) -> ScriptDirectory:
        """The migration files."""
        return ScriptDirectory.from_config(self.config)

    def use(self, metadata: MetaData, **options: Any) -> None:
        """The models change, or what ``env.py`` says."""
        self.config.attributes["metadata"] = metadata
        self.config.attributes["options"].update(options)

    def autogenerate(self, message: str = "next") -> str:
        """Writes a migration file; returns its text."""
        script = command.revision(self.config, message, autogenerate=True)
        assert script is not None
        assert not isinstance(script, list)
        return Path(script.path).read_text(encoding="utf-8")

    def write(self, name: str, up: Callable[[], str] | str, down: str = "pass") -> None:
        """Writes a migration file by hand."""
        path = Path(self.scripts.versions) / f"{name}.py"
        body = REVISION.format(name=name, before=self.scripts.get_current_head(), up=up, down=down)
        path.write_text(body, encoding="utf-8")

    def upgrade(self, to: str = "head") -> None:
        """Runs migrations."""
        command.upgrade(self.config, to)

    def downgrade(self, to: str = "-1") -> None:
        """Runs migrations backwards."""
        command.downgrade(self.config, to)

    def step(self) -> str:
        """Writes a migration file and runs it; whatever the models are then is what the database has."""
        written = self.autogenerate()
        self.upgrade()
        self.check()
        return written

    def check(self) -> None:
        """``alembic check``: raises where there is something to migrate."""
        command.check(self.config)

    def offline(self, to: str = "head", *, down: bool = False) -> str:
        """The SQL of migrations."""
        said = io.StringIO()
        self.config.output_buffer = said
        (command.downgrade if down else command.upgrade)(self.config, to, sql=True)
        return said.getvalue()


def body(script: str, function: str = "upgrade") -> str:
    """The lines of one function of a migration file, without comments."""
    after = script.split(f"def {function}() -> None:")[1].split("\ndef ", maxsplit=1)[0]
    lines = [line.strip() for line in after.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith(("#", '"""')))
