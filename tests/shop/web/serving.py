"""The shop, opened once with few customers, and who signs in there."""

from __future__ import annotations

import re
from typing import Final

from fastapi.testclient import TestClient
from httpx2 import Response

from examples.shop_app.web.seed import EMPLOYEES, PASSWORD, customer_logins

__all__ = ["CUSTOMERS", "EMPLOYEE_AT", "EN", "JA", "sent", "signed_in"]

CUSTOMERS: Final = 8
JA, EN = customer_logins()
#: Who sits at which desk.
EMPLOYEE_AT: Final = {
    "shipping": "tanaka",
    "orders": "suzuki",
    "campaigns": "kato",
    "improvement": "ito",
    "inquiries": "sato",
    "officer": "mori",
}


def signed_in(client: TestClient, who: str, language: str = "en") -> TestClient:
    """Signs somebody in: an employee by name, a customer by e-mail address."""
    client.get(f"/language/{language}")
    if who in EMPLOYEES:
        answer = sent(client, "/staff/sign-in", name=who, password=PASSWORD)
    else:
        answer = sent(client, "/sign-in", email=who, password=PASSWORD)
    assert answer.status_code == 200, answer.text
    return client


def sent(client: TestClient, path: str, **fields: str) -> Response:
    """Sends a form as a browser would: with the token of the session, and following where it leads."""
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    return client.post(path, data={"csrf": token[1], **fields})
