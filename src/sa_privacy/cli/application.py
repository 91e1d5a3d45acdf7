"""The application that a command opens: its policy, keys and log on its database, and who acts on it, for which reason.

What is said of it are options, the same for each command: ``spread`` gives them to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine, MetaData, create_engine
from sqlalchemy.orm import Session

from sa_privacy.access import AccessBlock
from sa_privacy.accesslog import EventLog
from sa_privacy.cli.database import connecting
from sa_privacy.cli.models import load_models
from sa_privacy.cli.office import Office
from sa_privacy.cli.options import (
    KeysOption,
    LogOption,
    ModelsOption,
    NoLogOption,
    PolicyOption,
    ReasonOption,
    RoleOption,
    ServiceOption,
    UrlOption,
    WhoOption,
)
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import telling
from sa_privacy.cli.written import operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.privacy import Privacy
from sa_privacy.privacy.engines import OWN

__all__ = ["Application", "Asked", "Desk", "Place"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A database in which the library's own tables are, whoever's models are beside them.

    A command's own class says what is done there, for the error where no log was named.
    """

    what: ClassVar[str]

    policy: PolicyOption = Path("privacy.toml")
    keys: KeysOption = Path("keys.json")
    service: ServiceOption = None
    url: UrlOption = None
    log: LogOption = None
    no_log: NoLogOption = False

    def made(self, log: EventLog | None, **more: Any) -> Privacy:
        """The ``Privacy`` of it, as yet on no engine."""
        ring = Keyring.load(self.keys, service=find_service(self.service))
        return Privacy(self.policy, keys=ring, log=log, metadata=self.metadata(), **more)

    def metadata(self) -> MetaData | list[MetaData]:
        """The tables of the models."""
        return MetaData()

    def access(self, privacy: Privacy, reason: str | None) -> AccessBlock:
        """Who acts: whoever runs the command, in no role."""
        return privacy.request(actor=operator(None), reason=reason)

    @contextmanager
    def opened(self, reason: str | None = None, **more: Any) -> Iterator[tuple[Privacy, Engine]]:
        """The Privacy on its database, under an access of who acts."""
        with telling(), connecting(self.url) as engine:
            privacy = self.made(written_log(self.log, self.what, no_log=self.no_log), **more)
            try:
                engine.connect().close()  # not protected yet: what the driver says of the server is told as it is
                privacy.install(engine)
                with self.access(privacy, reason):
                    yield privacy, engine
            finally:
                privacy.close()

    def at_work(self, url: str, **more: Any) -> tuple[Engine, Privacy, Callable[[], AccessBlock]]:
        """What a worker in another process works with: the same, made there, and who acts."""
        engine = create_engine(url, execution_options=OWN, hide_parameters=True)
        privacy = self.made(written_log(self.log, self.what, no_log=self.no_log), **more)
        privacy.install(engine)
        return engine, privacy, partial(self.access, privacy, None)

    @contextmanager
    def session(self, reason: str | None = None, **more: Any) -> Iterator[tuple[Privacy, Session]]:
        """The same with a session. What the block did is committed."""
        with self.opened(reason, **more) as (privacy, engine), Session(engine) as session:
            yield privacy, session
            session.commit()


@dataclass(frozen=True, kw_only=True)
class Desk(Place):
    """The same, and somebody who acts in a role of an office."""

    office: ClassVar[Office]

    actor: WhoOption = None
    role: RoleOption = None

    def access(self, privacy: Privacy, reason: str | None) -> AccessBlock:
        """Who acts, in a role of the office."""
        role = self.office.role(privacy.policy, self.role)
        return privacy.request(actor=operator(self.actor), role=role, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Application(Desk):
    """An application: its models, too."""

    models: ModelsOption

    def metadata(self) -> list[MetaData]:
        """The tables of the models."""
        return load_models(self.models)


@dataclass(frozen=True, kw_only=True)
class Asked(Application):
    """The same, and why somebody acts on it."""

    reason: ReasonOption = None

    def access(self, privacy: Privacy, reason: str | None) -> AccessBlock:
        """Who acts, and why."""
        return super().access(privacy, self.reason or reason)
