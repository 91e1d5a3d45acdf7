"""Who agreed, as SQL: the library's own ledger of consent as the gate asks it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)

from sa_privacy.customers.consent.matters import Matter, matters_of
from sa_privacy.customers.consent.silence import keep_silence
from sa_privacy.customers.consent.tables import CONSENT_STATE
from sa_privacy.errors import PolicyError
from sa_privacy.ledger import Desk, Moment, Person
from sa_privacy.ledger.people import key_text, known_people

__all__ = ["ConsentLedger"]

_AT_ONCE: Final = 500


class ConsentLedger:
    """The ledger of consent, asked. A :class:`~sa_privacy.policy.ConsentPort`.

    Where a purpose asks first (``opt_in``), who gave a consent that still holds has agreed: to the version of the wording
    that the policy has now, and not longer ago than its ``valid_for``. A new version asks everybody anew. Where silence
    means yes (``opt_out``), whoever refused or withdrew has not agreed, of whatever version and however long ago.
    """

    lasting: ClassVar[bool] = True
    """Its conditions hold no value that changes, but for a parameter that asks for the moment. A subclass says it of its own."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "lasting" not in vars(cls):
            cls.lasting = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def condition(self, purpose: str, kind: str, key: Any) -> ColumnElement[bool]:
        """See :meth:`sa_privacy.policy.ConsentPort.condition`. A row of nobody's is never among them.

        :raises PolicyError: the policy knows no such purpose.
        """
        known = self._desk.policy.purposes.get(purpose)
        if known is None:
            raise PolicyError(f'the policy knows no purpose "{purpose}".', hint="name one of the policy's purposes.")
        if known.consent == "none":
            return true()
        matter = matters_of(self._desk.policy)[f"purpose:{purpose}"]
        state = CONSENT_STATE.alias()
        of_theirs = (
            state.c.what == literal(matter.what),
            state.c.kind == literal(kind),
            state.c.subject == key_text(key),
        )
        if matter.consent == "opt_out":
            objected = select(literal(1)).select_from(state).where(*of_theirs, state.c.said != literal("given"))
            return and_(key.is_not(None), not_(exists(objected.correlate_except(state))))
        given = select(literal(1)).select_from(state).where(*of_theirs, *self._holds(state, matter))
        return exists(given.correlate_except(state))

    def agreed(self, connection: Connection, recipient: str, kind: str, keys: Collection[object]) -> frozenset[object]:
        """See :meth:`sa_privacy.policy.ConsentPort.agreed`.

        Until the transaction ends, nobody can withdraw in between: a withdrawal comes before, and is seen, or waits.

        :raises PolicyError: the recipient is none that people can agree to.
        """
        matter = matters_of(self._desk.policy).get(f"recipient:{recipient}")
        if matter is None:
            raise PolicyError(
                f'nobody is asked for consent to the recipient "{recipient}".', hint="only third parties need it."
            )
        with self._desk.open(connection, subjects=self._desk.held().subjects):
            people = known_people(self._desk, connection, kind, keys)
            if connection.dialect.name == "sqlite":  # one writer at a time: be it
                connection.execute(update(CONSENT_STATE).where(CONSENT_STATE.c.id == 0).values(what=matter.what))
            texts = list({person.text for person in people.values()})
            agreed: set[str] = set()
            for start in range(0, len(texts), _AT_ONCE):
                rows = (
                    select(CONSENT_STATE.c.subject)
                    .where(
                        CONSENT_STATE.c.what == literal(matter.what),
                        CONSENT_STATE.c.kind == literal(kind),
                        CONSENT_STATE.c.subject.in_(texts[start : start + _AT_ONCE]),
                        *self._holds(CONSENT_STATE, matter),
                    )
                    .with_for_update(read=True)
                )
                agreed.update(connection.scalars(rows))
        return frozenset(key for key, person in people.items() if person.text in agreed)

    def hold(self, connection: Connection, purpose: str, people: Collection[Person]) -> None:
        """Keeps what people said of a purpose as it is until the transaction ends, and their silence: who would say
        something else waits. On SQLite, where one writes at a time, whoever asks has to be that one already.

        :param connection: of an open desk.
        :param people: of one kind.
        """
        matter = matters_of(self._desk.policy)[f"purpose:{purpose}"]
        keep_silence(connection, matter, people)
        connection.execute(
            select(CONSENT_STATE.c.id)
            .where(
                CONSENT_STATE.c.what == literal(matter.what),
                CONSENT_STATE.c.kind.in_({person.kind for person in people}),
                CONSENT_STATE.c.subject.in_([person.text for person in people]),
            )
            .with_for_update(read=True)
        )

    def _holds(self, state: Any, matter: Matter) -> tuple[ColumnElement[bool], ...]:
        """That a state is a consent which still counts, at the moment at which the statement runs."""
        now = bindparam("sa_privacy_now", callable_=self._desk.moment, type_=Moment(), unique=True)
        return (
            state.c.said == literal("given"),
            state.c.version == literal(matter.version),
            or_(state.c.valid_until.is_(None), state.c.valid_until > now),
        )
