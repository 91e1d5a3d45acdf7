"""Erasure: a person's rows end, in every table, as a plan says that was looked at before.

``endings`` finds a person's rows and what the policy says of each, ``plan`` is what would be done, as data, and ``erasures``
makes plans and carries them out.
"""

from __future__ import annotations

from sa_privacy.customers.erasure.certificate import Certificate, read_certificate
from sa_privacy.customers.erasure.plan import ErasurePlan, HeldBack, Kept

__all__ = ["Certificate", "ErasurePlan", "HeldBack", "Kept", "read_certificate"]
