"""What an erasure would do, as data: looked at before, and the same when it is carried out, or it is not."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sa_privacy.crypto.pseudonym import canonical
from sa_privacy.customers.destruction import Key, Step

__all__ = ["ErasurePlan", "HeldBack", "Kept", "plan_hash"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of a person that stay for a reason, without what leads to the person.

    :param reason: its name.
    :param until: when the reason ends for the last of them; None: its time does not run yet.
    :param columns: personal columns that stay as they are.
    :param title: what people call the reason, by language.
    """

    table: str
    rows: int
    reason: str
    law: str
    until: datetime | None
    columns: tuple[str, ...] = ()
    title: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Rows of a person that must not be touched yet.

    :param by: ``"guard"`` of the policy, ``"hold"``, or a ``"request"`` of theirs that has to be answered first.
    :param what: the name of the guard, the number of the case, or the reference of the request.
    :param ends: when that will be over, in words, by language; empty: when somebody says so.
    :param title: what people call a guard, by language.
    """

    table: str
    rows: int
    by: Literal["guard", "hold", "request"]
    what: str
    ends: Mapping[str, str] = field(default_factory=dict, hash=False)
    title: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What the erasure of one person would do.

    :param kind: of the person, e.g. ``"customer"``.
    :param subject: the person's key, as ledgers keep it.
    :param made: when.
    :param steps: in the order in which they are carried out.
    :param kept: what stays, and why.
    :param held: what stands against it. As long as there is something, nothing is erased.
    :param nobodys: personal columns of tables of which nobody said whose they are: an erasure does not reach them.
    :param ledger: a ledger apart from the data will know of it; else a restored backup brings the person back.
    :param hash: of all this and of which rows it is about. Says nothing of the person to who does not have the plan.
    """

    kind: str
    subject: str = field(repr=False)
    made: datetime = field(compare=False)
    steps: tuple[Step, ...]
    kept: tuple[Kept, ...]
    held: tuple[HeldBack, ...]
    nobodys: tuple[str, ...]
    salt: str = field(repr=False)
    hash: str
    ledger: bool = field(default=False, compare=False)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows of each table are changed, and how: ``{"orders": {"delete": 3}}``."""
        found: dict[str, dict[str, int]] = {}
        for step in self.steps:
            table = found.setdefault(step.table, {})
            table[step.verb] = table.get(step.verb, 0) + step.rows
        return found

    def as_text(self, language: str = "en") -> str:
        """The plan for people.

        :param language: ``"en"`` or ``"ja"``.
        """
        from sa_privacy.customers.erasure.words import as_text  # noqa: PLC0415 - its words are for who wants them

        return as_text(self, language)


def plan_hash(
    policy: str, kind: str, steps: Sequence[Step], kept: Sequence[Kept], held: Sequence[HeldBack], salt: str
) -> str:
    """The hash of a plan: over the policy, the steps, and keyed digests of which rows they are about.

    :param policy: its hash.
    :param salt: without which nobody can try out whose plan it is.
    """
    said = {
        "form": 1,
        "policy": policy,
        "kind": kind,
        "steps": [
            [step.verb, step.table, step.columns, step.why, _digest(step.keys, salt)]
            + ([_digest([step.shell.key], salt)] if step.shell is not None else [])
            for step in steps
        ],
        "kept": [[one.table, one.rows, one.reason, one.columns] for one in kept],
        "held": [[one.table, one.rows, one.by, one.what] for one in held],
    }
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()


def _digest(keys: Sequence[Key], salt: str) -> str:
    named = sorted("\x1f".join(_text(part) for part in key) for key in keys)
    return hmac.new(salt.encode(), "\x1e".join(named).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _text(part: Any) -> str:
    try:
        return canonical(part)
    except (TypeError, ValueError):
        return repr(part)
