"""Who has seen somebody's data, from the access log, in a form that a page can say in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from examples.shop_app.web.shop import Shop
from sa_privacy.accesslog import Event
from sa_privacy.accesslog.questions import who
from sa_privacy.accesslog.questions.uses import UseOfData

__all__ = ["Day", "days_of", "only_ledgers", "uses_of"]

_LEDGERS = "sa_privacy_"  # the library's own tables, e.g. of consent


@dataclass
class Day:
    """What was done with somebody's data on one day, for the same purpose, in the same role.

    :param categories: as the policy names them.
    """

    on: date
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    actor: str | None
    recipient: str | None
    break_glass: bool
    maintenance: bool
    refused: bool
    categories: set[str] = field(default_factory=set)
    times: int = 0


def uses_of(shop: Shop, customer: int) -> list[UseOfData]:
    """Every use of a customer's data, the latest first."""
    uses = who(shop.journal, shop.pseudonym(customer)).uses
    return [use for use in reversed(uses) if not only_ledgers(use)]


def days_of(uses: list[UseOfData], *, but: str | None) -> list[Day]:
    """The same, told by day.

    :param but: without what this one did.
    """
    days: dict[object, Day] = {}
    for use in uses:
        if use.actor == but:
            continue
        on, refused = use.at.date(), use.state == "refused"
        key = (on, use.roles, use.purposes, use.actor, use.recipient, use.break_glass, use.maintenance, refused)
        day = days.setdefault(key, Day(*key))
        day.times += 1
        day.categories |= set(use.categories.values())
    return list(days.values())


def only_ledgers(use: UseOfData | Event) -> bool:
    """Whether nothing but the library's own tables was touched."""
    touched = (*use.reads, *use.matches, *use.writes, *use.deletes)
    return all(name.startswith(_LEDGERS) for name in touched)
