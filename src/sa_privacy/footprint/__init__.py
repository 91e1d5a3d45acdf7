"""What a statement touches: which personal data it reads, matches and writes, and where sealed columns stand.

``footprint_of_tree`` reads a compiled SQLAlchemy statement that is built of known nodes only; everything else goes as
text to ``footprint_of_text``, which refuses what it cannot read. Start at :mod:`~sa_privacy.footprint.model`.
"""

from __future__ import annotations

from sa_privacy.footprint.declarations import Declarations
from sa_privacy.footprint.fingerprint import fingerprint, without_literals
from sa_privacy.footprint.marks import Marks
from sa_privacy.footprint.model import NOTHING, Footprint, KeyPredicate
from sa_privacy.footprint.relations import Code, Foreign, Relation, Relations
from sa_privacy.footprint.text import footprint_of_text
from sa_privacy.footprint.tree import binds_by_name, footprint_of_tree

__all__ = [
    "NOTHING",
    "Code",
    "Declarations",
    "Footprint",
    "Foreign",
    "KeyPredicate",
    "Marks",
    "Relation",
    "Relations",
    "binds_by_name",
    "fingerprint",
    "footprint_of_text",
    "footprint_of_tree",
    "without_literals",
]
