"""The shop in which the pages of the documentation run: that of the examples, with its policy and keys in the working directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, func, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import sa_privacy
from examples.shop_app import models
from examples.shop_app.data import fill
from examples.shop_app.demo.stage import POLICY, open_shop
from sa_privacy import AccessLog, Keyring, Privacy

__all__ = ["make_shop", "names_in"]

_SQLALCHEMY = (create_engine, insert, select, text, update, DeclarativeBase, Mapped, Session, mapped_column)


def make_shop(directory: Path) -> None:
    """A shop with three customers, its policy and keys beside it."""
    privacy, _, engine = open_shop(directory)
    fill(privacy, engine, 3)
    privacy.close()
    engine.dispose()
    shutil.copy(POLICY, directory / "privacy.toml")


@contextmanager
def names_in(directory: Path) -> Iterator[dict[str, Any]]:
    """What a page may name: the shop of a directory, its models, the library, and what SQLAlchemy is used with."""
    keys, log = Keyring.load(directory / "keys.json"), AccessLog.open(directory / "access-log")
    erasures = AccessLog.open(directory / "erasures")
    privacy = Privacy(directory / "privacy.toml", keys=keys, log=log, metadata=models.Base, erasures=erasures)
    engine = create_engine(f"sqlite:///{directory / 'shop.db'}")
    privacy.install(engine)
    passed = timedelta()

    def clock(**change: float) -> None:
        nonlocal passed
        passed += timedelta(**change)
        privacy._desk.clock = lambda: datetime.now(UTC) + passed

    names: dict[str, Any] = {name: getattr(models, name) for name in models.__all__}
    names |= {name: getattr(sa_privacy, name) for name in sa_privacy.__all__}
    names |= {one.__name__: one for one in (*_SQLALCHEMY, date, timedelta)} | {"func": func}
    names |= {"Base": models.Base, "privacy": privacy, "engine": engine, "log": log, "keys": keys, "clock": clock}
    with Session(engine) as session:
        names["session"] = session
        try:
            yield names
        finally:
            for made in [one for one in names.values() if isinstance(one, Privacy)]:  # also by the page
                made.close()
            engine.dispose()
