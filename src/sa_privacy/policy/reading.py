"""Reading a policy document: every section, every rule between the sections, every fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeVar

from sa_privacy.policy.dealings import ConsentRules, Contact, Ground, Recipient, RecordRules, RequestRules, Wording
from sa_privacy.policy.faults import Faults, cut, nearest
from sa_privacy.policy.places import Path
from sa_privacy.policy.reading_dealings import (
    DEALINGS,
    read_consents,
    read_contact,
    read_ground,
    read_period,
    read_recipient,
    read_records,
    read_requests,
    read_wording,
)
from sa_privacy.policy.reading_retention import RETENTION, read_clock, read_erasure, read_schedule
from sa_privacy.policy.retention import Clock, ErasureRules, Schedule
from sa_privacy.policy.table import Table, is_name, kind
from sa_privacy.policy.vocabulary import LATER, Category, ColumnRule, Consent, LogRules, Purpose, Role, System

__all__ = ["KEYS", "Contents", "read"]

_VERBS = ("read", "match", "write")
KEYS: Mapping[str, tuple[str, ...]] = {
    "policy": ("id", "version", "languages", "controller"),
    "categories": ("title", "dpv", "mask"),
    "purposes": ("title", "clause", "use", *_VERBS, "delete", "consent", "wording", "rows", "dpv"),
    "roles": (
        *("title", "purposes", "anonymous", "maintenance", "break_glass", "break_glass_for"),
        *("granted", "pledge", "disclose", "grants"),
    ),
    "systems": ("title", "purposes"),
    "columns": ("category", "encrypt", "lookup", "purposes", "field", "key"),
    "log": ("on_failure", "compress_after", "keep"),
    **DEALINGS,
    **RETENTION,
}
"""The sections of a document, and the keys that may stand in each of their tables. docs/policy.md explains them."""

_OF_NAMES = ("categories", "purposes", "roles", "systems", "wordings", "recipients", "grounds", "clocks", "retention")
_LONGEST_GLASS = 24 * 60 * 60  # seconds
_CONSENTS: tuple[Consent, ...] = ("none", "opt_in", "opt_out")
_LOOKUPS: tuple[Literal["exact", "casefold"], ...] = ("exact", "casefold")
_SEALED_UNDER: tuple[Literal["subject"], ...] = ("subject",)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")  # the shape of a BCP 47 tag

_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a document says, section by section."""

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
    wordings: Mapping[str, Wording] = field(default_factory=dict, metadata=LATER)
    recipients: Mapping[str, Recipient] = field(default_factory=dict, metadata=LATER)
    grounds: Mapping[str, Ground] = field(default_factory=dict, metadata=LATER)
    consents: ConsentRules | None = field(default=None, metadata=LATER)
    records: RecordRules | None = field(default=None, metadata=LATER)
    requests: RequestRules | None = field(default=None, metadata=LATER)
    clocks: Mapping[str, Clock] = field(default_factory=dict, metadata=LATER)
    retention: Mapping[str, Schedule] = field(default_factory=dict, metadata=LATER)
    erasure: ErasureRules | None = field(default=None, metadata=LATER)
    contact: Contact | None = field(default=None, metadata=LATER)


def read(data: Mapping[str, object], faults: Faults) -> Contents:
    """Read a whole document. What comes back is meant to be used only where no fault was found."""
    return _Reader(data, faults).contents()


class _Reader:
    def __init__(self, data: Mapping[str, object], faults: Faults) -> None:
        self.faults = faults
        self.document = Table(data, (), faults, KEYS)
        self.languages: tuple[str, ...] = ("en",)
        self.sections = {name: self.section(name) for name in _OF_NAMES}
        #: The roles that deal with people's consents and requests, or with the end of data; they need no purpose.
        self.dealing = tuple(name for section in ("consents", "requests", "erasure") for name in self.roles_of(section))

    def contents(self) -> Contents:
        head = Table(self.document.values.get("policy", {}), ("policy",), self.faults, KEYS["policy"])
        if "policy" not in self.document.values:
            head.is_table = False
            self.faults.add((), "the section [policy] is missing; it says id and version.")
        self.languages = self.read_languages(head)
        name = head.needed("id", "it is the name of the policy")
        version = head.needed("version", 'e.g. the day it was published, as in "2026-11-23"')
        controller = head.words("controller", self.languages, None)
        categories = self.each("categories", self.category)
        purposes = self.each("purposes", self.purpose)
        roles = self.each("roles", self.role)
        if "roles" in self.document.values and not self.sections["roles"].values:
            self.faults.add(("roles",), "is empty; define a role, or leave the section out to set no limits by role.")
        clocks = self.each("clocks", self.clock)
        return Contents(
            id=name,
            version=version,
            languages=self.languages,
            controller=controller,
            categories=categories,
            purposes=purposes,
            roles=roles,
            systems=self.each("systems", self.system),
            columns=self.columns(purposes),
            log=self.log(),
            wordings=self.each("wordings", self.wording),
            recipients=self.each("recipients", self.recipient),
            grounds=self.each("grounds", self.ground),
            consents=self.one("consents", lambda table: read_consents(table, roles)),
            records=self.one("records", read_records),
            requests=self.one("requests", lambda table: read_requests(table, roles, self.languages)),
            clocks=clocks,
            retention=self.each("retention", lambda name, value, path: self.schedule(name, value, path, clocks)),
            erasure=self.one("erasure", lambda table: read_erasure(table, roles)),
            contact=self.one("contact", lambda table: read_contact(table, self.languages)),
        )

    def roles_of(self, section: str) -> tuple[object, ...]:
        """What a section names as its roles, unread."""
        said = self.document.values.get(section)
        named = said.get("roles") if isinstance(said, Mapping) else None
        return tuple(named) if isinstance(named, (list, tuple, set, frozenset)) else ()

    def section(self, name: str) -> Table:
        return Table(self.document.values.get(name, {}), (name,), self.faults)

    def one(self, name: str, make: Callable[[Table], _Thing]) -> _Thing | None:
        if name not in self.document.values:
            return None
        return make(Table(self.document.values[name], (name,), self.faults, KEYS[name]))

    def each(self, section: str, make: Callable[[str, object, Path], _Thing]) -> Mapping[str, _Thing]:
        things: dict[str, _Thing] = {}
        for name, value in self.sections[section].values.items():
            path: Path = (section, name)
            if not name.strip():
                self.faults.add(path, "has an empty name.")
            elif not is_name(name):
                self.faults.add(path, 'is no name; a name is made of letters, digits, "_" and "-".')
            things[name] = make(name, value, path)
        return MappingProxyType(things)

    def read_languages(self, head: Table) -> tuple[str, ...]:
        languages = head.names("languages")
        if languages is None:
            return ("en",)
        for position, language in enumerate(languages):
            if not _LANGUAGE.fullmatch(language):
                what = f'{cut(language)} is no language tag; write it as in "en" or "pt-BR".'
                self.faults.add((*head.path, "languages", position), what)
                return ()  # no language to hold the titles to
        return languages

    def category(self, name: str, value: object, path: Path) -> Category:
        table = Table(value, path, self.faults, KEYS["categories"])
        title = table.words("title", self.languages, name)
        return Category(name, title, table.text("dpv"), table.text("mask", empty=True))

    def purpose(self, name: str, value: object, path: Path) -> Purpose:
        table = Table(value, path, self.faults, KEYS["purposes"])
        verbs = {verb: self.opened(table, verb) for verb in _VERBS}
        if "use" in table.values:
            for verb in _VERBS:
                if verb in table.values:
                    table.fault(verb, 'stands beside "use", which already says read, match and write; keep one.')
            verbs = dict.fromkeys(_VERBS, self.opened(table, "use"))
        if table.is_table and not {"use", "delete", *_VERBS} & table.values.keys():
            self.faults.add(path, 'opens nothing; name categories under "use", or under "read", "match" and "write".')
        consent: Consent = table.choice("consent", _CONSENTS) or "none"
        wording = self.named(table, "wording", "wordings")
        if wording is not None and consent == "none" and "consent" not in table.values:
            table.fault("wording", 'says what people agree to, but not that they must; add consent = "opt_in".')
        dpv = (table.text("dpv"),) if isinstance(table.values.get("dpv"), str) else table.names("dpv")
        return Purpose(
            name,
            table.words("title", self.languages, name),
            table.text("clause"),
            delete=self.tables(table),
            consent=consent,
            rows=table.choice("rows", ("all", "own")) or "all",
            dpv=tuple(sorted(term for term in dpv or () if term)),
            wording=wording,
            **verbs,
        )

    def named(self, table: Table, key: str, section: str) -> str | None:
        """The name of one thing of another section, or None where it is left out."""
        name = table.text(key)
        known = self.sections[section].values
        if name is not None and name not in known:
            table.fault(key, f"there is no {section[:-1]} {cut(name)}. {nearest(name, known)}")
        return name

    def opened(self, table: Table, key: str) -> frozenset[str]:
        return frozenset(table.names(key, self.sections["categories"].values, "category") or ())

    def tables(self, table: Table) -> frozenset[str]:
        names = table.names("delete") or ()
        for position, name in enumerate(names):
            if not 1 <= len(_parts(name)) <= 2:
                what = f'{cut(name)} is no table; write "table" or "schema.table".'
                self.faults.add((*table.path, "delete", position), what)
        return frozenset(names)

    def role(self, name: str, value: object, path: Path) -> Role:
        table = Table(value, path, self.faults, KEYS["roles"])
        anonymous, maintenance = table.flag("anonymous"), table.flag("maintenance")
        if anonymous and maintenance:
            table.fault("anonymous", "stands beside maintenance: anybody could open everything; keep one.")
        glass = frozenset(table.names("break_glass", self.sections["purposes"].values, "purpose") or ())
        without = maintenance or glass or name in self.dealing
        without = without or not table.values.keys().isdisjoint(("disclose", "grants"))
        purposes = self.acted_for(table, required=not without)
        if glass and anonymous:
            table.fault("break_glass", "stands beside anonymous: nobody would know who broke the glass; keep one.")
        for purpose in sorted(glass & purposes):
            table.fault("break_glass", f"{cut(purpose)} is among its purposes already.")
        title = table.words("title", self.languages, name)
        granted, pledge = table.flag("granted"), self.named(table, "pledge", "wordings")
        if anonymous and (granted or pledge is not None):
            key = "granted" if granted else "pledge"
            table.fault(key, "stands beside anonymous: nobody would know whose it is; keep one.")
        disclose = frozenset(table.names("disclose", self.sections["recipients"].values, "recipient") or ())
        if anonymous and disclose:
            table.fault("disclose", "stands beside anonymous: nobody would know who gave it away; keep one.")
        grants = self.granting(table, anonymous=anonymous)
        glass_for = self.break_glass_for(table)
        return Role(name, title, purposes, anonymous, maintenance, glass, glass_for, granted, pledge, disclose, grants)

    def granting(self, table: Table, *, anonymous: bool) -> frozenset[str]:
        """The roles that a role may grant."""
        roles = self.sections["roles"].values
        grants = table.names("grants", roles, "role") or ()
        if anonymous and grants:
            table.fault("grants", "stands beside anonymous: nobody would know who granted; keep one.")
        for position, name in enumerate(grants):
            granted = roles.get(name)
            if isinstance(granted, Mapping) and granted.get("granted") is not True:
                what = f"{cut(name)} is not granted by name: anybody acts in it. Add granted = true to it, or leave it out."
                self.faults.add((*table.path, "grants", position), what)
        return frozenset(grants)

    def break_glass_for(self, table: Table) -> int:
        said = table.duration("break_glass_for")
        if "break_glass" in table.values and said is None and "break_glass_for" not in table.values:
            table.fault("break_glass", 'says not for how long; add break_glass_for = "PT30M".')
        if said is not None and "break_glass" not in table.values:
            table.fault("break_glass_for", "says for how long, but not for what; add break_glass, or leave it out.")
        if said is not None and not 0 < said <= _LONGEST_GLASS:
            table.fault("break_glass_for", "must be more than nothing, and a day at most.")
        return said or 0

    def system(self, name: str, value: object, path: Path) -> System:
        table = Table(value, path, self.faults, KEYS["systems"])
        title = table.words("title", self.languages, name)
        return System(name, title, self.acted_for(table, required=True))

    def acted_for(self, table: Table, *, required: bool) -> frozenset[str]:
        purposes = table.names("purposes", self.sections["purposes"].values, "purpose")
        if purposes is None and required and table.is_table:
            self.faults.add(table.path, "has no purposes; name those it may act for.")
        return frozenset(purposes or ())

    def columns(self, purposes: Mapping[str, Purpose]) -> Mapping[str, ColumnRule]:
        section = self.section("columns")
        rules: dict[str, ColumnRule] = {}
        for name, value in section.values.items():
            parts = _parts(name)
            if not 2 <= len(parts) <= 3:
                what = 'is no column; write "table.column" or "schema.table.column", in quotes.'
                if len(parts) == 1 and isinstance(value, Mapping) and value and not value.keys() & set(KEYS["columns"]):
                    what = f'quote the whole name of the column, as in "{name}.{next(iter(value))}".'
                section.fault(name, what)
            else:
                rules[name] = self.column(value, (*section.path, name), purposes)
        return MappingProxyType(rules)

    def column(self, value: object, path: Path, purposes: Mapping[str, Purpose]) -> ColumnRule:
        categories = self.sections["categories"].values
        if isinstance(value, str):
            self.known_category(value, path, bool(value.strip()))
            return ColumnRule(value)
        if not isinstance(value, Mapping):
            self.faults.add(path, f'must be a category, or a table as in {{category = "..."}}, and is {kind(value)}.')
            return ColumnRule("")
        table = Table(value, path, self.faults, KEYS["columns"])
        category = table.needed("category", "say what it holds")
        if category:
            self.known_category(category, (*path, "category"), True)
        encrypt = table.flag("encrypt")
        lookup = table.choice("lookup", _LOOKUPS)
        for key in ("lookup", "field", "key"):
            if key in table.values and not encrypt:
                table.fault(key, "is for sealed columns; add encrypt = true, or leave it out.")
        only = table.names("purposes", self.sections["purposes"].values, "purpose")
        for position, name in enumerate(only or ()):
            purpose = purposes.get(name)
            opened = purpose.read | purpose.match | purpose.write if purpose else frozenset[str]()
            sound = purpose is not None and category in categories and opened <= categories.keys()
            if sound and category not in opened:
                what = f"{cut(name)} does not open {cut(category)}; purposes narrow, and never widen."
                self.faults.add((*path, "purposes", position), what)
        narrowed = frozenset(only) if only is not None else None
        return ColumnRule(category, encrypt, lookup, narrowed, table.text("field"), table.choice("key", _SEALED_UNDER))

    def known_category(self, name: str, path: Path, filled: bool) -> None:
        categories = self.sections["categories"].values
        if not filled:
            self.faults.add(path, "is empty.")
        elif name not in categories:
            self.faults.add(path, f"there is no category {cut(name)}. {nearest(name, categories)}")

    def wording(self, name: str, value: object, path: Path) -> Wording:
        return read_wording(name, Table(value, path, self.faults, KEYS["wordings"]), self.languages)

    def recipient(self, name: str, value: object, path: Path) -> Recipient:
        return read_recipient(
            name,
            Table(value, path, self.faults, KEYS["recipients"]),
            self.languages,
            categories=self.sections["categories"].values,
            purposes=self.sections["purposes"].values,
            wordings=self.sections["wordings"].values,
        )

    def ground(self, name: str, value: object, path: Path) -> Ground:
        return read_ground(name, Table(value, path, self.faults, KEYS["grounds"]), self.languages)

    def clock(self, name: str, value: object, path: Path) -> Clock:
        return read_clock(name, Table(value, path, self.faults, KEYS["clocks"]), self.languages)

    def schedule(self, name: str, value: object, path: Path, clocks: Mapping[str, Clock]) -> Schedule:
        table = Table(value, path, self.faults, KEYS["retention"])
        categories = self.sections["categories"].values
        return read_schedule(name, table, self.languages, categories=categories, clocks=clocks)

    def log(self) -> LogRules:
        table = Table(self.document.values.get("log", {}), ("log",), self.faults, KEYS["log"])
        compress_after, keep = read_period(table, "compress_after"), read_period(table, "keep")
        return LogRules(table.choice("on_failure", ("refuse", "continue")) or "refuse", compress_after, keep)


def _parts(name: str) -> list[str]:
    """The parts of a dotted name; none where one of them is empty."""
    parts = name.split(".")
    return parts if all(part and part == part.strip() for part in parts) else []
