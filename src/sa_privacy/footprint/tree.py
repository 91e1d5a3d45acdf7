"""The judge of compiled SQLAlchemy statements that are built of known nodes only: no text, no parsing."""

from __future__ import annotations

from sqlalchemy.sql.compiler import SQLCompiler

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.footprint.declarations import Declarations
from sa_privacy.footprint.model import Footprint
from sa_privacy.footprint.relations import Relations

__all__ = ["footprint_of_tree"]


def footprint_of_tree(
    compiled: SQLCompiler, *, catalogue: Catalogue, declarations: Declarations, relations: Relations | None = None
) -> Footprint | None:
    """What a compiled statement touches, or None where its text has to be read instead."""
    return None
