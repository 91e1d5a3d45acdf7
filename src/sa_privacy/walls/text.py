"""Text that would change roles or the wall's own settings behind it, or the transaction that they are set for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint.functions import may_be_set
from sa_privacy.footprint.lexer import Token, cut
from sa_privacy.footprint.statements import split

__all__ = ["TRANSACTION", "Verdict", "judge"]

TRANSACTION: Final = "transaction"

_CONTROL: Final = frozenset(["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"])
_ROLES: Final = frozenset(["grant", "revoke", "reassign", "discard"])
_OF_ROLES: Final = frozenset(["role", "user", "group", "database", "system", "owned", "default"])
_SETTINGS: Final = frozenset(["role", "session_authorization", "all"])
_OWNER: Final = "roles are the owner's: change them with sa-privacy wall apply, or with psql as the owner."
_TRANSACTION: Final = (
    "use connection.begin(), begin_nested(), commit() and rollback(), or send it as a statement of its own."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one text.

    :param refused: why it may not run; empty where it may.
    :param kind: ``"transaction"`` where it begins, ends or goes back in a transaction.
    """

    refused: str = ""
    hint: str = ""
    kind: str = ""


def judge(sql: str, paramstyle: str) -> Verdict:
    """Judges one text, which may hold several statements."""
    try:
        parts = list(split(cut(sql, "postgresql", paramstyle)))
    except UnreadableStatement as error:
        return Verdict(error.message, error.hint or "")
    control = [part for part in parts if part[0].kind == "w" and part[0].raw in _CONTROL and not _is_prepared(part)]
    if control and len(parts) > 1:
        word = control[0][0].raw.upper()
        return Verdict(f"{word} among other statements would change the role they run as", _TRANSACTION)
    for part in parts:
        found = _touches_roles(part)
        if found:
            return Verdict(f"{found} changes who acts", _OWNER)
    return Verdict(kind=TRANSACTION if control else "")


def _is_prepared(part: list[Token]) -> bool:
    """``PREPARE name AS ...``, which the gate judges."""
    return part[0].raw == "prepare" and not (len(part) > 1 and part[1].raw == "transaction")


def _touches_roles(part: list[Token]) -> str:
    first = part[0].raw if part[0].kind == "w" else ""
    words = [token.raw for token in part[:5]]
    second = words[1] if len(words) > 1 else ""
    if first in _ROLES:
        return first.upper()
    if first in {"create", "alter", "drop"} and second in _OF_ROLES:
        return f"{first.upper()} {second.upper()}"
    if first in {"set", "reset"}:
        names = [token.text.lower() if token.kind in {"w", "q"} else "" for token in part[1:4]]
        names = (
            [name for name in names if name not in {"local", "session"}] if "authorization" not in names else ["role"]
        )
        if names and (names[0] in _SETTINGS or names[0].partition(".")[0] == "sa_privacy"):
            return f"{first.upper()} {names[0].upper()}"
    if _sets_role(part):
        return "set_config"
    return ""


def _sets_role(part: list[Token]) -> bool:
    """Whether ``set_config`` may mean a role: its first argument is one, or is no plain string."""
    for at, token in enumerate(part):
        if token.text.lower() == "set_config" and at + 2 < len(part):
            named = part[at + 2]
            after = part[at + 3].text if at + 3 < len(part) else ""
            if named.kind != "s" or after != "," or not may_be_set(named.text):
                return True
    return False
