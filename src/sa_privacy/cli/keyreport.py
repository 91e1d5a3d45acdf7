"""How ``sa-privacy keys status`` tells people and programs of a ring."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sa_privacy.cli.census import Census
from sa_privacy.cli.keyadvice import Advice
from sa_privacy.cli.telling import say
from sa_privacy.crypto import KeyInfo, Keyring, key_name

__all__ = ["as_json", "show", "wrapped"]


def wrapped(ring: Keyring) -> str:
    """The end of a sentence that says who wraps the keys, if somebody does."""
    return f", wrapped by {ring.wrapped_by}" if ring.wrapped_by else ""


def _roles(key: KeyInfo) -> str:
    roles = ["primary"] * key.primary + ["pseudonyms"] * key.first
    if key.slot is not None:
        roles.append(f"lookup slot {'AB'[key.slot]}{', searched' * key.search}")
    return "\n".join(roles)


def show(ring: Keyring, census: Census | None, advice: Advice) -> None:
    """Prints tables, and what is to be said."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    counted = ("Cells", "In slots", "Kept for") if census is not None else ()
    for title in ("Key", "Made", "Does", *counted):
        table.add_column(title, overflow="fold", justify="right" if title in ("Cells", "In slots") else "left")
    for key in ring.keys:
        numbers = () if census is None else (f"{census.by_key[key.id]:,}", f"{census.by_slot[key.id]:,}")
        verdict = () if census is None else (advice.kept_for.get(key.id) or "nothing: it may go",)
        table.add_row(
            *(
                Text(one)
                for one in (key_name(key.id), key.created[:16].replace("T", " "), _roles(key), *numbers, *verdict)
            )
        )
    console = Console(highlight=False)
    console.print(table)
    say(f"Lookup: {ring.lookup_phase}{wrapped(ring)}.")
    if census is not None and census.by_field:
        fields = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in ("Field", "Key", "Cells"):
            fields.add_column(title, overflow="fold", justify="right" if title == "Cells" else "left")
        for (field, key_id), cells in sorted(census.by_field.items()):
            fields.add_row(Text(field), Text(key_name(key_id)), Text(f"{cells:,}"))
        console.print(fields)
    for line in advice.notes:
        say(line)
    for line in advice.wrong:
        say(line, style="red")


def as_json(ring: Keyring, census: Census | None, advice: Advice) -> dict[str, Any]:
    """The same for programs."""
    keys = []
    for key in ring.keys:
        one = {**key._asdict(), "id": key_name(key.id), "slot": None if key.slot is None else "AB"[key.slot]}
        if census is not None:
            one |= {"cells": census.by_key[key.id], "in_slots": census.by_slot[key.id]}
            one |= {"may_go": key.id not in advice.kept_for, "kept_for": advice.kept_for.get(key.id)}
        keys.append(one)
    said: dict[str, Any] = {"keys": keys, "lookup_phase": ring.lookup_phase, "wrapped_by": ring.wrapped_by}
    if census is not None:
        said["fields"] = [
            {"field": field, "key": key_name(key_id), "cells": cells}
            for (field, key_id), cells in sorted(census.by_field.items())
        ]
        said["unsealed"] = dict(census.unsealed)
        said["missing"] = list(census.missing)
    return {**said, "notes": list(advice.notes), "wrong": list(advice.wrong)}
