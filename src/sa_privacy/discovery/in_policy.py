"""What was found, written into a policy document: categories that it lacks, and columns whose models cannot be edited."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from sa_privacy.discovery.evidence import Finding
from sa_privacy.discovery.kinds import KINDS
from sa_privacy.errors import PolicyError
from sa_privacy.policy import Policy

__all__ = ["columns_section", "policy_edited"]


def columns_section(columns: Mapping[str, str]) -> str:
    """``[columns]``, as it stands in a policy."""
    return "[columns]\n" + "".join(_lines(columns)) if columns else ""


def _lines(columns: Mapping[str, str]) -> list[str]:
    return [f"{json.dumps(name, ensure_ascii=False)} = {json.dumps(category)}\n" for name, category in columns.items()]


def policy_edited(path: Path, findings: Iterable[Finding], columns: Mapping[str, str]) -> str | None:
    """The text of the document with what it lacks. None: nothing is lacking, or it cannot be put in without taking it apart."""
    text = path.read_text(encoding="utf-8")
    policy = Policy.loads(text, source=str(path))
    lacking = {one.category: one.kind for one in findings if one.category not in policy.categories}
    new = {name: category for name, category in columns.items() if name not in policy.columns}
    if not lacking and not new:
        return None
    edited = text if text.endswith("\n") or not text else text + "\n"
    for category, kind in sorted(lacking.items()):
        known = KINDS[kind]
        titles = ", ".join(
            f'{tongue} = "{title}"'
            for tongue, title in (("en", known.en), ("ja", known.ja))
            if tongue in policy.languages
        )
        edited += f"\n[categories.{category}]\ntitle = {{{titles}}}\n" + (f'dpv = "{known.dpv}"\n' if known.dpv else "")
    header = re.search(r"(?m)^\[columns\][^\n]*\n", edited)
    if new and header is not None:
        edited = edited[: header.end()] + "".join(_lines(new)) + edited[header.end() :]
    elif new:
        edited += "\n" + columns_section(new)
    try:
        tomllib.loads(edited)
        Policy.loads(edited)
    except (tomllib.TOMLDecodeError, PolicyError):
        return None
    return edited
