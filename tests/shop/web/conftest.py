"""One shop for each module: making it takes some seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import argon2
import pytest
from fastapi.testclient import TestClient

from examples.shop_app.web import passwords
from examples.shop_app.web.app import create_app
from examples.shop_app.web.shop import Shop, open_shop
from tests.shop.web.serving import CUSTOMERS, signed_in

_QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="module", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Tests sign in some hundred times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argon2, "PasswordHasher", lambda: _QUICK)
        patch.setattr(passwords, "_HASHER", _QUICK)
        yield


@pytest.fixture(scope="module")
def shop(_quick_passwords: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    opened = open_shop(tmp_path_factory.mktemp("shop"), customers=CUSTOMERS)
    yield opened
    opened.close()


@pytest.fixture
def browse(shop: Shop) -> Callable[..., TestClient]:
    """Opens a browser of nobody, or of somebody who is signed in."""

    def opened(who: str | None = None, language: str = "en") -> TestClient:
        client = TestClient(create_app(shop), base_url="http://shop.example")
        return client if who is None else signed_in(client, who, language)

    return opened
