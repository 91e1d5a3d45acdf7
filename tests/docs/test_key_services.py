"""docs/key-services.md: the service that it shows is run as it stands, against a transit engine in this process."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sa_privacy import Keyring, KeyUnavailable

DOCUMENT = (Path(__file__).parents[2] / "docs" / "key-services.md").read_text(encoding="utf-8")
(EXAMPLE,) = [block for block in re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL) if "class " in block]
TOKEN = "a token of the test"


class Transit(BaseHTTPRequestHandler):
    """The part of Vault's transit engine that its documentation describes for AES-256-GCM keys."""

    aead = AESGCM(bytes(32))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        bound = base64.b64decode(asked["associated_data"])
        status, data = 200, {}
        if self.headers["X-Vault-Token"] != TOKEN:
            status = 403
        elif self.path == "/v1/transit/encrypt/shop":
            nonce = os.urandom(12)
            cipher = nonce + self.aead.encrypt(nonce, base64.b64decode(asked["plaintext"]), bound)
            data["ciphertext"] = f"vault:v1:{base64.b64encode(cipher).decode()}"
        elif self.path == "/v1/transit/decrypt/shop":
            cipher = base64.b64decode(asked["ciphertext"].removeprefix("vault:v1:"))
            try:
                data["plaintext"] = base64.b64encode(self.aead.decrypt(cipher[:12], cipher[12:], bound)).decode()
            except InvalidTag:
                status = 400
        else:
            status = 404
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"data": data}).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own name
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Transit) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def vault() -> Any:
    shown: dict[str, Any] = {}
    exec(compile(EXAMPLE, "docs/key-services.md", "exec"), shown)
    return shown["VaultTransit"]


def test_the_service_shown_is_under_fifty_lines() -> None:
    assert len(EXAMPLE.splitlines()) < 50


def test_the_service_shown_wraps_a_ring(vault: Any, address: str, tmp_path: Path) -> None:
    service, path, ring = vault("shop", address=address, token=TOKEN), tmp_path / "keys.json", Keyring.generate()
    ring.rotate()
    ring.save(path, service=service, policy_id="shop")
    assert Keyring.load(path, service=service, policy_id="shop").ids == ring.ids
    document = json.loads(path.read_text())
    assert base64.b64decode(document["keys"][0]["wrapped"]).startswith(b"vault:v1:")
    document["service"]["policy_id"] = "museum"
    path.write_text(json.dumps(document))
    with pytest.raises(KeyUnavailable, match="Vault answers 400"):
        Keyring.load(path, service=service)


def test_the_service_shown_says_why_it_does_not(vault: Any, address: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Keyring.generate().save(path, service=vault("shop", address=address, token=TOKEN), policy_id="shop")
    for service, said in (
        (vault("shop", address=address, token="another"), "Vault answers 403"),
        (vault("museum", address=address, token=TOKEN), "Vault answers 404"),
        (vault("shop", address="http://127.0.0.1:9", token=TOKEN), "Vault cannot be reached"),
    ):
        with pytest.raises(KeyUnavailable, match=said) as caught:
            Keyring.load(path, service=service)
        assert caught.value.hint
