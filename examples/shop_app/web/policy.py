"""The policy of the shop on the web: ``privacy.toml``, and who may sit at which desk is granted by name (clause 2-3)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from sa_privacy import Policy

__all__ = ["DESKS", "OFFICER", "shop_policy"]

POLICY: Final = Path(__file__).parents[1] / "privacy.toml"
#: Each desk, and the purpose that it acts for. Nothing else tells one desk from another.
DESKS: Final = {
    "shipping": "shipping",
    "orders": "order_confirmation",
    "campaigns": "campaigns",
    "improvement": "service_improvement",
    "inquiries": "inquiries",
}
GRANTED: Final = ("warehouse", "order_desk", "marketing", "analyst", "support", "privacy_officer")
OFFICER: Final = "privacy_officer"


def shop_policy() -> Policy:
    """What ``privacy.toml`` says; and every desk is granted by name, and customers who are signed in are answered at once."""
    document: dict[str, Any] = tomllib.loads(POLICY.read_text("utf-8"))
    roles = document["roles"]
    for name in GRANTED:
        roles[name]["granted"] = True
    roles["access_manager"]["grants"] = [*GRANTED, "access_manager"]
    # It has no purposes, and so sees people's data in no other way.
    roles["self_service"] = {"title": {"en": "My data, the page", "ja": "マイデータ（自動窓口）"}}
    document["requests"]["roles"].append("self_service")
    return Policy(**document)
