"""A key service that can be taken away: a small server in this process, that wraps keys as Vault's transit engine does."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from sa_privacy import KeyUnavailable
from sa_privacy.crypto import LocalKey

__all__ = ["Service", "Transit"]

_SECONDS: Final = 5


class Service:
    """The server. Where it is away nobody listens at its address: connections are refused.

    :ivar address: where it listens, whenever it is there.
    :ivar asked: how many secrets it has wrapped and unwrapped.
    """

    def __init__(self) -> None:
        self._key = LocalKey(bytes(range(32)))
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.asked = 0
        self.come()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def come(self) -> None:
        """Is there (again)."""
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(outer.answer(self.path.strip("/"), said)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Answering)
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def go(self) -> None:
        """Is away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, verb: str, said: dict[str, Any]) -> dict[str, str]:
        """Wraps or unwraps one secret."""
        self.asked += 1
        ask = self._key.wrap if verb == "wrap" else self._key.unwrap
        return {"text": base64.b64encode(ask(base64.b64decode(said["text"]), said["context"])).decode()}


class Transit:
    """The client: a :class:`~sa_privacy.crypto.KeyService`."""

    name = "soak-transit"

    def __init__(self, address: str) -> None:
        self._address = address

    def wrap(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """What the service makes of a secret."""
        return self._ask("wrap", secret, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The secret."""
        return self._ask("unwrap", wrapped, context)

    def _ask(self, verb: str, text: bytes, context: Mapping[str, str]) -> bytes:
        body = json.dumps({"text": base64.b64encode(text).decode(), "context": dict(context)}).encode()
        try:
            where = f"{self._address}/{verb}"
            with urllib.request.urlopen(where, body, timeout=_SECONDS) as answer:  # noqa: S310 - of this process
                return base64.b64decode(json.load(answer)["text"])
        except urllib.error.HTTPError as error:
            raise KeyUnavailable(f"the key service answers {error.code}.", hint="see its log.") from None
        except OSError:
            raise KeyUnavailable("the key service cannot be reached.", hint="see whether it is there.") from None
