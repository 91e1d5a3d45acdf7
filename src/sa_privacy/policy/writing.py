"""Writing a policy as a TOML document: what :meth:`Policy.load` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from sa_privacy.policy.vocabulary import Category, ColumnRule, LogRules, Purpose

if TYPE_CHECKING:
    from sa_privacy.policy.document import Policy

__all__ = ["Comments", "as_sections", "as_toml"]

Comments = Mapping[tuple[str, ...], Sequence[str]]
"""Lines to stand above a table, by its path: ``("purposes", "shipping")``."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_sections(policy: Policy) -> dict[str, dict[str, Any]]:
    """The sections of a document that means the same: what ``Policy(...)`` takes."""
    head: dict[str, Any] = {"id": policy.id, "version": policy.version, "languages": list(policy.languages)}
    if policy.controller:
        head["controller"] = dict(policy.controller)
    sections: dict[str, dict[str, Any]] = {
        "policy": head,
        "categories": {name: _category(one) for name, one in policy.categories.items()},
        "purposes": {name: _purpose(one) for name, one in policy.purposes.items()},
        "roles": {
            name: {
                **_title(name, one.title),
                **({"purposes": sorted(one.purposes)} if one.purposes else {}),
                **({"anonymous": True} if one.anonymous else {}),
                **({"maintenance": True} if one.maintenance else {}),
                **({"break_glass": sorted(one.break_glass)} if one.break_glass else {}),
                **({"break_glass_for": _duration(one.break_glass_for)} if one.break_glass else {}),
                **({"granted": True} if one.granted else {}),
                **({"pledge": one.pledge} if one.pledge is not None else {}),
                **({"disclose": sorted(one.disclose)} if one.disclose else {}),
                **({"grants": sorted(one.grants)} if one.grants else {}),
            }
            for name, one in policy.roles.items()
        },
        "systems": {
            name: {**_title(name, one.title), "purposes": sorted(one.purposes)} for name, one in policy.systems.items()
        },
        "columns": {name: _column(one) for name, one in policy.columns.items()},
        "log": _log(policy.log),
        **{
            section: {name: _said(one) for name, one in things.items()}
            for section, things in (
                *(("wordings", policy.wordings), ("recipients", policy.recipients), ("grounds", policy.grounds)),
                *(("clocks", policy.clocks), ("retention", policy.retention)),
            )
        },
        **{
            section: _said(rules)
            for section, rules in (
                ("consents", policy.consents),
                ("records", policy.records),
                ("requests", policy.requests),
                ("erasure", policy.erasure),
                ("contact", policy.contact),
            )
            if rules is not None
        },
    }
    return {name: section for name, section in sections.items() if section}


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = (f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if number)
    return "PT" + "".join(parts)


def _log(rules: LogRules) -> dict[str, Any]:
    said: dict[str, Any] = {} if rules.on_failure == "refuse" else {"on_failure": rules.on_failure}
    periods = (("compress_after", rules.compress_after), ("keep", rules.keep))
    return said | {key: str(period) for key, period in periods if period is not None}


def _said(thing: Any) -> dict[str, Any]:
    """What a table says of a thing whose fields are called as its keys are."""
    said: dict[str, Any] = _title(thing.name, thing.title) if hasattr(thing, "name") else {}
    for each in fields(thing):
        value = getattr(thing, each.name)
        if each.name in {"name", "title"} or value is None or value in (frozenset(), (), {}):
            continue
        if each.name == "meanwhile" and not thing.reasons:
            continue
        if isinstance(value, (frozenset, tuple)):
            said[each.name] = sorted(value) if isinstance(value, frozenset) else list(value)
        elif isinstance(value, Mapping):
            said[each.name] = {key: _inner(one) for key, one in value.items()}
        else:
            said[each.name] = value if isinstance(value, (int, float, str)) else str(value)
    return said


def _inner(thing: Any) -> Any:
    if is_dataclass(thing):
        return _said(thing)
    return dict(thing) if isinstance(thing, Mapping) else thing


def _title(name: str, title: Mapping[str, str]) -> dict[str, Any]:
    return {} if all(words == name for words in title.values()) else {"title": dict(title)}


def _category(one: Category) -> dict[str, Any]:
    said: dict[str, Any] = _title(one.name, one.title)
    return said | {key: value for key, value in (("dpv", one.dpv), ("mask", one.mask)) if value is not None}


def _purpose(one: Purpose) -> dict[str, Any]:
    said: dict[str, Any] = _title(one.name, one.title)
    if one.clause is not None:
        said["clause"] = one.clause
    if one.read and one.read == one.match == one.write:
        said["use"] = sorted(one.read)
    else:
        said |= {verb: sorted(names) for verb in ("read", "match", "write") if (names := getattr(one, verb))}
    if one.delete:
        said["delete"] = sorted(one.delete)
    if one.consent != "none":
        said["consent"] = one.consent
    if one.rows != "all":
        said["rows"] = one.rows
    if one.dpv:
        said["dpv"] = list(one.dpv)
    if one.wording is not None:
        said["wording"] = one.wording
    return said


def _column(rule: ColumnRule) -> Any:
    if rule == ColumnRule(rule.category):
        return rule.category
    said: dict[str, Any] = {"category": rule.category}
    if rule.encrypt:
        said["encrypt"] = True
    if rule.lookup is not None:
        said["lookup"] = rule.lookup
    if rule.purposes is not None:
        said["purposes"] = sorted(rule.purposes)
    if rule.field is not None:
        said["field"] = rule.field
    if rule.key is not None:
        said["key"] = rule.key
    return said


def as_toml(sections: Mapping[str, Mapping[str, Any]], comments: Comments | None = None) -> str:
    """The sections as TOML text."""
    remarks = comments or {}
    lines: list[str] = []

    def table(path: tuple[str, ...], values: Mapping[str, Any]) -> None:
        if lines:
            lines.append("")
        lines.extend(f"# {remark}".rstrip() for remark in remarks.get(path, ()))
        lines.append(f"[{'.'.join(map(_key, path))}]")
        lines.extend(f"{_key(key)} = {_value(value)}" for key, value in values.items())

    for name, section in sections.items():
        if name in ("policy", "columns", "log", "consents", "records", "requests", "erasure", "contact"):
            table((name,), section)
        else:
            for each, values in section.items():
                table((name, each), values)
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(_value(each) for each in value) + "]"
