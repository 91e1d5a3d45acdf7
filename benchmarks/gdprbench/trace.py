"""The seeded trace: what each of the four roles does, in both mixes.

A trace depends on nothing but its arguments, so every system gets the same one. Keys are drawn from all that were ever
made, as in the original: operations on what was deleted before find nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any, Final, Literal, NamedTuple

from benchmarks.gdprbench.records import EPOCH, data, purpose, record, user
from benchmarks.gdprbench.zipfian import Zipfian

__all__ = ["MIXES", "Mix", "Operation", "Role", "Verb", "trace"]

Role = Literal["controller", "customer", "processor", "regulator"]
Mix = Literal["repository", "paper", "both"]
Verb = Literal["create", "read", "read-metadata", "update", "delete", "logs", "verify"]


class Operation(NamedTuple):
    """One operation.

    :param by: the field that says of which records, and ``value`` what it is equal to; of ``expires_at`` the moment it is before.
    :param subject: who acts, where it is a customer: they reach their own records alone.
    :param purpose: what for, where it is a processor: they reach records collected for it, and nobody's who objected.
    :param change: the fields of a new record, or those that change.
    """

    role: Role
    verb: Verb
    by: str
    value: Any
    subject: str | None = None
    purpose: str | None = None
    change: Mapping[str, Any] = {}

    def __str__(self) -> str:
        return f"{self.verb} by {self.by}"


# The weights of each mix. The paper gives one weight for what may be chosen by several fields; here they share it equally.
MIXES: Final[dict[tuple[Role, Mix], dict[tuple[Verb | Literal["update-metadata"], str], int]]] = {
    ("controller", "repository"): {
        ("create", "key"): 25,
        ("update-metadata", "pur"): 25,
        ("update-metadata", "usr"): 25,
        ("delete", "key"): 25,
    },
    ("controller", "paper"): {
        ("create", "key"): 150,
        ("delete", "pur"): 50,
        ("delete", "expires_at"): 50,
        ("delete", "usr"): 50,
        ("update-metadata", "pur"): 100,
        ("update-metadata", "usr"): 100,
        ("update-metadata", "shr"): 100,
    },
    ("customer", "repository"): {
        ("read", "key"): 20,
        ("read", "pur"): 10,
        ("read", "usr"): 10,
        ("update", "key"): 20,
        ("update-metadata", "pur"): 10,
        ("update-metadata", "usr"): 10,
        ("delete", "key"): 20,
    },
    ("customer", "paper"): {
        ("read", "usr"): 20,
        ("read-metadata", "key"): 20,
        ("update", "key"): 20,
        ("update-metadata", "key"): 20,
        ("delete", "key"): 20,
    },
    ("processor", "repository"): {("read", "key"): 20, ("read", "pur"): 40, ("read", "usr"): 40},
    ("processor", "paper"): {("read", "key"): 240, ("read", "pur"): 20, ("read", "obj"): 20, ("read", "dec"): 20},
    ("regulator", "both"): {("read-metadata", "usr"): 46, ("logs", "usr"): 31, ("verify", "key"): 23},
}

_DAY_OF_TRACE = timedelta(seconds=26_000)  # in which the lifetimes end, but for the longest
_CHANGED: Final[dict[Role, tuple[str, ...]]] = {"controller": ("acl", "src", "cat"), "customer": ("dec", "shr")}


def trace(role: Role, mix: Mix, records: int, operations: int, seed: int = 1123) -> list[Operation]:
    """The operations of a role.

    :param records: how many there are at the beginning.
    """
    random = Random(f"{seed} {role} {mix}")
    zipfian = Zipfian(records, random) if role in ("customer", "regulator") else None
    weights = MIXES[role, mix]
    chosen = random.choices(list(weights), list(weights.values()), k=operations)
    found, made = [], records
    for number, (wanted, by) in enumerate(chosen):
        verb: Verb = "update" if wanted == "update-metadata" else wanted
        now = (
            EPOCH + _DAY_OF_TRACE * number / operations + timedelta(microseconds=1)
        )  # so that none ends at that moment
        if verb == "create":
            found.append(Operation(role, verb, by, f"key{made}", change=record(made, now)))
            made += 1
            continue
        n = zipfian.scrambled() if zipfian else random.randrange(made)
        if verb == "verify":
            n = n if random.random() < 0.5 else made + n  # as many that were never there
        value = now if by == "expires_at" else record(n)[by]
        change: dict[str, Any] = {}
        if wanted == "update":
            change = {"data": data(f"{n} changed {number}")}
        elif wanted == "update-metadata":
            field = random.choice(_CHANGED[role])
            change = {field: f"{field}{random.randrange(2 if field == 'dec' else 10)}"}
        found.append(
            Operation(
                role,
                verb,
                by,
                value,
                user(n) if role == "customer" else None,
                purpose(n) if role == "processor" else None,
                change,
            )
        )
    return found
