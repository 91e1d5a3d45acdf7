"""Whom an access says it is about: ``access(subjects=...)``."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sa_privacy.crypto.pseudonym import canonical
from sa_privacy.errors import PolicyError

__all__ = ["Subject", "as_subjects", "of_kinds"]

#: A kind of person, None where it was not said, and the key of their row.
Subject = tuple[str | None, object]

_HINT = 'write subjects=7, subjects=("customer", 7), or a list of these.'


def as_subjects(said: object) -> tuple[Subject, ...]:
    """One or several people: a key, ``(kind, key)``, or a list or set of these.

    :raises PolicyError: something among them is no key.
    """
    several = said if isinstance(said, (list, set, frozenset)) else [said]
    return tuple(dict.fromkeys(map(_one, several)))


def _one(said: object) -> Subject:
    kind, key = said if isinstance(said, tuple) and len(said) == 2 and isinstance(said[0], str) else (None, said)
    try:
        for part in key if isinstance(key, tuple) and key else (key,):
            canonical(part)
    except (TypeError, ValueError):
        raise PolicyError(f"subjects: a {type(key).__name__} is no key of a person.", hint=_HINT) from None
    if isinstance(key, bool) or kind == "":
        raise PolicyError("subjects: true, false and empty kinds name nobody.", hint=_HINT)
    return kind, key


def of_kinds(subjects: Iterable[Subject], kinds: Collection[str]) -> tuple[tuple[str, object], ...]:
    """The people with their kinds.

    :param kinds: those that the models know.
    :raises PolicyError: a kind is not among them, or was not said where there are several.
    """
    known = ", ".join(sorted(kinds)) or "none"
    found = []
    for said, key in subjects:
        kind = next(iter(kinds)) if said is None and len(kinds) == 1 else said
        if kind is None:
            raise PolicyError(
                "subjects: the key could be that of several kinds of people, or of none.",
                hint=f"write (kind, key); kinds: {known}.",
            )
        if kind not in kinds:
            raise PolicyError(
                f'subjects: there is no kind of people "{kind}".', hint=f"kinds that the models know: {known}."
            )
        found.append((kind, key))
    return tuple(found)
