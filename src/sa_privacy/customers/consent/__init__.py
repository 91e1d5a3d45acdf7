"""Consent: an append-only ledger of what people said, and one row for each person and matter that decides.

``matters`` is what can be agreed to, ``entry`` what can be said of it, ``checks`` what an entry needs, ``book`` writes it, ``port``
is how the gate asks, ``export`` and ``receipt`` tell. ``consents`` joins them: ``privacy.consents``.
"""

from __future__ import annotations

from sa_privacy.customers.consent.consents import Consents
from sa_privacy.customers.consent.entry import ConsentEntry, ConsentState, How, Said

__all__ = ["ConsentEntry", "ConsentState", "Consents", "How", "Said"]
