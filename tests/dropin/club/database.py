"""Engines and sessions: one engine for the application, one for reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session, sessionmaker

from tests.dropin.club.models import Base


class Databases:
    """The engines, and what makes sessions of them."""

    def __init__(self, url: URL | str) -> None:
        self.main = create_engine(url)
        self.reporting = create_engine(url, execution_options={"isolation_level": "AUTOCOMMIT"})
        self.session = sessionmaker(self.main, expire_on_commit=False)
        self.reports = sessionmaker(self.reporting)

    def create(self) -> None:
        """Makes the tables."""
        Base.metadata.create_all(self.main)

    def dispose(self) -> None:
        """Closes all connections."""
        self.main.dispose()
        self.reporting.dispose()


def opened(request: Request) -> Iterator[Session]:
    """A session for each request."""
    with request.app.state.databases.session() as session:
        yield session


def reporting(request: Request) -> Iterator[Session]:
    """A session for reports."""
    with request.app.state.databases.reports() as session:
        yield session


Opened = Annotated[Session, Depends(opened)]
Reporting = Annotated[Session, Depends(reporting)]
