"""What protection costs: each operation in each configuration, beside plain SQLAlchemy and what else there is.

``operations.py`` is what is done, ``models.py`` the tables, ``configurations.py`` and ``peers.py`` who does it, ``side.py`` one of
them at work, and ``matrix.py`` all of them in turn. ``headlines.py`` measures single statements, in one process, with the
engines of ``bench.py``, and ``floors.py`` what nobody can undercut.
"""

from benchmarks.overhead.bench import (
    POLICY,
    ROWS,
    SEALED,
    Bench,
    Customer,
    PlainCustomer,
    Product,
    ProtectedBase,
    Visit,
    rows,
)

__all__ = [
    "POLICY",
    "ROWS",
    "SEALED",
    "Bench",
    "Customer",
    "PlainCustomer",
    "Product",
    "ProtectedBase",
    "Visit",
    "rows",
]
