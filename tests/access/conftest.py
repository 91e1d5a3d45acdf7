"""A small policy for access scopes."""

from __future__ import annotations

import pytest

from sa_privacy import Policy
from sa_privacy.access import AccessScopes


def make_policy(identifier: str = "shop") -> Policy:
    return Policy(
        policy={"id": identifier, "version": "1"},
        categories={name: {"mask": "***"} for name in ("name", "email", "address")},
        purposes={
            "shipping": {"use": ["name", "address"]},
            "campaigns": {"use": ["name", "email"]},
            "sign_in": {"match": ["email"]},
            "payroll": {"use": ["name"]},
        },
        roles={
            "warehouse": {"purposes": ["shipping"]},
            "marketing": {"purposes": ["campaigns", "shipping"]},
            "visitor": {"purposes": ["sign_in"], "anonymous": True},
            "engineer": {"maintenance": True},
        },
        systems={"purge-tokens": {"purposes": ["sign_in", "shipping"]}},
    )


@pytest.fixture
def scopes() -> AccessScopes:
    return AccessScopes(make_policy())
