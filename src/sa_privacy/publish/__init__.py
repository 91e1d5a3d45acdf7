"""What is told to people about the use of personal data.

``uses`` reads out of the access log who needs what and where, ``cover`` finds the purposes of the policy that would open
it, and ``draft`` turns the rest into a proposal for the policy. ``publication`` makes all that is published of a policy (``notice``,
``processing``, ``dpv``, ``datamap``), and ``differences`` holds it against what was published before.
"""

from __future__ import annotations

from sa_privacy.publish.cover import Known, covering
from sa_privacy.publish.draft import Draft, Proposal, draft_policy
from sa_privacy.publish.uses import Need, Place, Report, Use, read_uses

__all__ = ["Draft", "Known", "Need", "Place", "Proposal", "Report", "Use", "covering", "draft_policy", "read_uses"]
