"""The notice: what people are told about the use of their data, in the languages of the policy.

``uses``, ``care``, ``giving`` and ``people`` compose its sections out of the parts of a policy, ``said`` is what they make,
``phrases`` has the words that are no part of it; ``markdown`` and ``page`` write it.
"""

from __future__ import annotations

from sa_privacy.publish.notice.markdown import as_markdown
from sa_privacy.publish.notice.notice import make_notice
from sa_privacy.publish.notice.page import as_page
from sa_privacy.publish.notice.said import Notice, Said

__all__ = ["Notice", "Said", "as_markdown", "as_page", "make_notice"]
