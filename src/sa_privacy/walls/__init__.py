"""The wall: the policy compiled into the database's own rules, as a second opinion beside the gate.

How it comes about, on PostgreSQL::

    policy + catalogue -> reach of each grant     reach.py      what may be read, matched, written, deleted
                       -> limits of each grant    limits.py     whose rows: one's own, those of people who agreed
      + tables         -> WallPlan                plan.py       roles, rights, logins, and what cannot be walled; pure
      + rules, consents  -> row policies          policies.py   conditions (conditions.py, rows.py) for row level security
                       -> SQL                     ddl.py        idempotent statements, shown before they run
      database         -> drift                   postgresql.py what the database says (database.py), held against the plan
    access in force    -> set_config('role', ...) run.py        one statement for each transaction and change of access,
                                                  settings.py   with what row policies read

A role of the database stands for a *grant*: what may be done for a set of purposes. Who may declare these purposes is
the policy's matter, decided when the access is opened, so that roles of the policy which act for one purpose share one
role of the database. Every such role is a member of the base role, which holds all that is not personal. The library's
own tables are open to the two roles of its desk, and to no purpose.

SQLite keeps no roles. There the authorizer (``sqlite.py``) of each connection is told what the access in force covers,
and refuses the rest while a statement is prepared, whoever prepares it.
"""

from __future__ import annotations

from sa_privacy.gate.rows.rule import RowRule
from sa_privacy.walls.parts import Login, NotWalled, Right, WallPlan, WallRole
from sa_privacy.walls.plan import plan_wall
from sa_privacy.walls.raising import Wall, raise_wall
from sa_privacy.walls.reach import Reach, reach_of
from sa_privacy.walls.rows import RowSources
from sa_privacy.walls.shapes import ColumnShape, TableShape, shapes_of

__all__ = [
    "ColumnShape",
    "Login",
    "NotWalled",
    "Reach",
    "Right",
    "RowRule",
    "RowSources",
    "TableShape",
    "Wall",
    "WallPlan",
    "WallRole",
    "plan_wall",
    "raise_wall",
    "reach_of",
    "shapes_of",
]
