"""The policy document: loaded, checked as a whole, hashed, and asked for grants."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from sa_privacy.errors import PolicyError
from sa_privacy.policy.dealings import ConsentRules, Contact, Ground, Recipient, RecordRules, RequestRules, Wording
from sa_privacy.policy.faults import Fault, Faults, as_error
from sa_privacy.policy.grant import GRANTS_KEPT, Grant, make_grant, must_not_break_glass
from sa_privacy.policy.reading import Contents, read
from sa_privacy.policy.retention import Clock, ErasureRules, Schedule
from sa_privacy.policy.vocabulary import OWN_CATEGORY, Category, ColumnRule, LogRules, Purpose, Role, System

__all__ = ["Policy", "check"]

_FORM = 1  # of what is hashed; a change to it changes every hash
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class Policy:
    """One policy: which categories of personal data exist, what for, and for whom.

    Built from a TOML document with :meth:`load` or :meth:`loads`, or from its sections as dictionaries::

        Policy(
            policy={"id": "shop", "version": "1"},
            categories={"email": {}},
            purposes={"inquiries": {"use": ["email"]}},
        )

    It cannot be changed. Two policies are equal only if they are the same object; compare :attr:`hash` for meaning.

    :raises PolicyError: telling every fault at once.
    """

    __slots__ = (
        "__weakref__",
        "_desks",
        "_grants",
        "_lock",
        "categories",
        "clocks",
        "columns",
        "consents",
        "contact",
        "controller",
        "erasure",
        "grounds",
        "hash",
        "id",
        "languages",
        "log",
        "purposes",
        "recipients",
        "records",
        "requests",
        "retention",
        "roles",
        "systems",
        "version",
        "wordings",
    )

    id: str
    version: str
    languages: tuple[str, ...]
    controller: Mapping[str, str]
    categories: Mapping[str, Category]
    purposes: Mapping[str, Purpose]
    roles: Mapping[str, Role]
    systems: Mapping[str, System]
    columns: Mapping[str, ColumnRule]
    log: LogRules
    wordings: Mapping[str, Wording]
    recipients: Mapping[str, Recipient]
    grounds: Mapping[str, Ground]
    consents: ConsentRules | None
    records: RecordRules | None
    requests: RequestRules | None
    clocks: Mapping[str, Clock]
    retention: Mapping[str, Schedule]
    erasure: ErasureRules | None
    contact: Contact | None
    hash: str
    """``"sha256:<hex>"`` over what the policy means: the order of keys, whitespace, TOML or Python do not matter."""

    def __init__(
        self,
        *,
        policy: Mapping[str, object] | None = None,
        categories: Mapping[str, object] | None = None,
        purposes: Mapping[str, object] | None = None,
        roles: Mapping[str, object] | None = None,
        systems: Mapping[str, object] | None = None,
        columns: Mapping[str, object] | None = None,
        log: Mapping[str, object] | None = None,
        wordings: Mapping[str, object] | None = None,
        recipients: Mapping[str, object] | None = None,
        grounds: Mapping[str, object] | None = None,
        consents: Mapping[str, object] | None = None,
        records: Mapping[str, object] | None = None,
        requests: Mapping[str, object] | None = None,
        clocks: Mapping[str, object] | None = None,
        retention: Mapping[str, object] | None = None,
        erasure: Mapping[str, object] | None = None,
        contact: Mapping[str, object] | None = None,
        **others: object,
    ) -> None:
        sections: dict[str, object] = {
            "policy": policy,
            "categories": categories,
            "purposes": purposes,
            "roles": roles,
            "systems": systems,
            "columns": columns,
            "log": log,
            "wordings": wordings,
            "recipients": recipients,
            "grounds": grounds,
            "consents": consents,
            "records": records,
            "requests": requests,
            "clocks": clocks,
            "retention": retention,
            "erasure": erasure,
            "contact": contact,
        }
        faults = Faults()
        contents = read({name: value for name, value in (sections | others).items() if value is not None}, faults)
        if faults:
            raise faults.error("the policy")
        self._fill(contents)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read the TOML document at the path.

        :raises PolicyError: if it cannot be read, or telling every fault at once.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise PolicyError(
                f"the policy document {os.fspath(path)} cannot be read: {reason}.",
                hint="Give the path of the TOML document that states the policy.",
            ) from None
        return cls._parse(content, os.fspath(path))

    @classmethod
    def loads(cls, text: str, source: str = "<string>") -> Policy:
        """Read a TOML text.

        :param source: what to call the text in errors.
        :raises PolicyError: telling every fault at once.
        """
        return cls._parse(text, source)

    @classmethod
    def _parse(cls, content: str | bytes, source: str) -> Policy:
        contents, faults = _examine(content)
        if contents is None or faults:
            raise as_error(faults, source)
        policy = cls.__new__(cls)
        policy._fill(contents)
        return policy

    def _fill(self, contents: Contents) -> None:
        for each in fields(contents):
            object.__setattr__(self, each.name, getattr(contents, each.name))
        object.__setattr__(self, "hash", _hash(contents))
        object.__setattr__(self, "_grants", {})
        object.__setattr__(self, "_desks", {})
        object.__setattr__(self, "_lock", threading.Lock())

    def grant(
        self,
        purposes: Collection[str],
        roles: Collection[str],
        *,
        system: str | None = None,
        maintenance: bool = False,
        break_glass: bool = False,
    ) -> Grant:
        """What may be done for these purposes in these roles.

        The same arguments, in any order, give the same object, as long as it is kept (the last 1,024 are).

        :param purposes: each must be among the purposes of one of the roles; without a role, of a role that is
            anonymous. A policy that defines no roles sets no limits by role. For a system, none means all of its own.
        :param system: the job that acts. Its own purposes count, and not those of the roles.
        :param maintenance: everything is granted; one of the roles must be marked for it.
        :param break_glass: the roles may act for what they may in an emergency, too.
        :raises UnknownPurpose: the policy does not define a purpose.
        :raises UnknownRole: the policy does not define a role, or the system.
        :raises RoleDenied: no role may act for a purpose, or none is marked for maintenance.
        """
        purposes, roles = _in_order(purposes), _in_order(roles)
        key = (purposes, roles, system, maintenance, break_glass)
        grants = self._grants
        found = grants.get(key)
        if found is not None:
            return found
        made = make_grant(self, purposes, roles, system=system, maintenance=maintenance, break_glass=break_glass)
        with self._lock:
            while len(grants) >= GRANTS_KEPT:
                del grants[next(iter(grants))]
            return grants.setdefault(key, made)

    @property
    def keeps_ledgers(self) -> bool:
        """Whether it asks for ledgers: of consent, of who was granted a role or signed, of provisions, of requests, of what was
        erased.
        """
        return bool(
            self.recipients
            or self.retention
            or self.erasure is not None
            or self.wordings
            or self.requests is not None
            or any(purpose.consent != "none" for purpose in self.purposes.values())
            or any(role.granted or role.grants for role in self.roles.values())
        )

    def desk_grant(
        self,
        held: Grant,
        reads: Collection[str] = (),
        writes: Collection[str] = (),
        deletes: Collection[str] = (),
        *,
        own: bool = True,
        everything: bool = False,
    ) -> Grant:
        """What the library itself may do while it works for whoever holds a grant: its own tables, and these categories.

        :param reads: categories that it reads, and finds rows by.
        :param writes: categories that it writes.
        :param deletes: tables that it removes rows from.
        :param own: it writes its own tables, too.
        :param everything: it reaches every row and column, as what ends the life of data must.
        """
        key = (
            held.purposes,
            held.roles,
            held.system,
            frozenset(reads),
            frozenset(writes),
            frozenset(deletes),
            own,
            everything,
        )
        found = self._desks.get(key)
        if found is not None:
            return found
        every = frozenset(self.purposes) | {OWN_CATEGORY}
        verbs = (("read", reads, True), ("match", reads, True), ("write", writes, own))
        opened = {
            (verb, category): every
            for verb, categories, mine in verbs
            for category in (*categories, *((OWN_CATEGORY,) if mine else ()))
        }
        deletable = dict.fromkeys(deletes, False)
        made = Grant(self, held.purposes, held.roles, held.system, everything, opened, opened, deletable)
        with self._lock:
            while len(self._desks) >= GRANTS_KEPT:
                del self._desks[next(iter(self._desks))]
            return self._desks.setdefault(key, made)

    def break_glass_for(self, roles: Collection[str]) -> timedelta:
        """For how long who acts in these roles may break the glass: the shortest time that one of them has.

        :raises RoleDenied: none of them may.
        """
        times = [
            self.roles[role].break_glass_for for role in roles if role in self.roles and self.roles[role].break_glass
        ]
        if not times:
            raise must_not_break_glass(self, tuple(roles))
        return timedelta(seconds=min(times))

    _grants: dict[tuple[tuple[str, ...], tuple[str, ...], str | None, bool, bool], Grant]
    _desks: dict[tuple[object, ...], Grant]
    _lock: threading.Lock

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a policy cannot be changed: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a policy cannot be changed: {name}")

    def __repr__(self) -> str:
        return f"<Policy {self.id} {self.version} {self.hash[:19]}>"


def check(text: str) -> tuple[Fault, ...]:
    """Every fault of a TOML text, from the top down; empty for a sound policy."""
    return _examine(text)[1]


def _examine(content: str | bytes) -> tuple[Contents | None, tuple[Fault, ...]]:
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return None, (Fault("", "is not UTF-8 text, which TOML has to be.", line),)
    text = text.removeprefix("\ufeff")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, (_syntax(str(error), text),)
    except RecursionError:
        return None, (Fault("", "is nested too deeply to be a policy.", None),)
    faults = Faults(text)
    return read(data, faults), faults.all


def _syntax(message: str, text: str) -> Fault:
    place = _TOML_PLACE.search(message)
    if place is None:
        return Fault("", f"is no TOML: {message}.", None)
    line = int(place[1]) if place[1] else text.rstrip("\n").count("\n") + 1
    return Fault("", f"is no TOML: {message[: place.start()]}.", line)


def _hash(contents: Contents) -> str:
    form = json.dumps(
        {"form": _FORM, **_plain_fields(contents)}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return "sha256:" + hashlib.sha256(form.encode()).hexdigest()


def _plain_fields(thing: object) -> dict[str, object]:
    if not is_dataclass(thing) or isinstance(thing, type):
        raise TypeError(f"no part of a policy: {type(thing).__name__}")
    said = {
        each.name: getattr(thing, each.name) for each in fields(thing) if not each.metadata or getattr(thing, each.name)
    }
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return _plain_fields(value)
    return value


def _in_order(names: Collection[str]) -> tuple[str, ...]:
    """Names, each once, sorted. One alone is so already."""
    if isinstance(names, str):
        return (names,)
    return names if type(names) is tuple and len(names) < 2 else tuple(sorted(set(names)))
