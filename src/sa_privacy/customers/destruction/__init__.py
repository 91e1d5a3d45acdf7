"""Destruction: how some rows end, on every path that ends any: retention, erasure, replay after a restore.

``graph`` knows which rows refer to which, ``survey`` finds out what else is touched when some rows end and what then has to
stay, ``values`` says what stands in an emptied column, ``steps`` is the result as data, in order, and ``run`` carries it out.
The database's own cascades are not relied on: SQLite runs without them by default, and they say nothing of what went.
"""

from __future__ import annotations

from sa_privacy.customers.destruction.graph import Graph, Reference
from sa_privacy.customers.destruction.run import carry_out
from sa_privacy.customers.destruction.steps import Key, Step
from sa_privacy.customers.destruction.survey import Ending, Survey

__all__ = ["Ending", "Graph", "Key", "Reference", "Step", "Survey", "carry_out"]
