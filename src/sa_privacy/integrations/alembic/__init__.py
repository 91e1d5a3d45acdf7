"""Alembic migrations of sealed columns: one line in ``env.py``, ``import sa_privacy.integrations.alembic``.

It gives autogenerate eyes for sealed columns and their lookup indexes, and ``op`` the operations that migration files
then use: ``create_lookup_index``, ``drop_lookup_index``, ``seal_column``, ``unseal_column``, ``batch_alter_sealed_table``.
See docs/alembic.md. Needs ``pip install "sa-privacy[alembic]"``.

``lookups`` says what a lookup index is, ``stored`` finds those of a database; ``indexing``, ``sealing`` and ``batch``
hold the operations, ``autogenerate`` compares, ``rendering`` writes.
"""

from __future__ import annotations

from sa_privacy.integrations.alembic import autogenerate, batch, indexing, rendering, sealing
from sa_privacy.integrations.alembic.lookups import LookedUp, lookup

__all__ = ["LookedUp", "autogenerate", "batch", "indexing", "lookup", "rendering", "sealing"]
