"""Which columns look personal, and what to say of them.

``scanning`` judges columns by evidence (``evidence`` says how it adds up): of their names (``names``, with the words of
``words`` and ``words_ja``), their types (``types``) and of samples of their values (``values``, ``checks``). ``owners``
says whose rows are. ``patching`` writes what was found into models and policy, as a diff; ``editing`` changes a file's text. ``decided`` is about columns of
which nobody has said anything.
"""

from __future__ import annotations

from sa_privacy.discovery.evidence import LIKELY, Evidence, Finding
from sa_privacy.discovery.in_policy import columns_section
from sa_privacy.discovery.kinds import KINDS
from sa_privacy.discovery.owners import Owner
from sa_privacy.discovery.patching import Patch, draw_patch
from sa_privacy.discovery.reasons import in_words
from sa_privacy.discovery.scanning import Scan, scan, scanned_tables
from sa_privacy.discovery.values import sample

__all__ = [
    "KINDS",
    "LIKELY",
    "Evidence",
    "Finding",
    "Owner",
    "Patch",
    "Scan",
    "columns_section",
    "draw_patch",
    "in_words",
    "sample",
    "scan",
    "scanned_tables",
]
