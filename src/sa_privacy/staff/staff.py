"""``privacy.staff``: accounts, authority and pledges of those who act."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from sa_privacy.accesslog import EventLog
from sa_privacy.accesslog.wanted import Finds
from sa_privacy.crypto import Keyring
from sa_privacy.ledger import Desk
from sa_privacy.staff.accounts import Accounts
from sa_privacy.staff.authority import Authority
from sa_privacy.staff.passwords import Passwords
from sa_privacy.staff.pledges import Pledges
from sa_privacy.staff.port import OwnStaff
from sa_privacy.staff.review import Report, review

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["Staff"]

_NINETY_DAYS: Final = timedelta(days=90)
_THIRTY_DAYS: Final = timedelta(days=30)
_ONE_HOUR: Final = timedelta(hours=1)


class Staff:
    """Who may act, in which role. Each method works under the access in force: its actor is who grants, signs, looks.

    What takes a ``session`` is written in its transaction, and holds once that is committed. For an ``AsyncSession``:
    ``await session.run_sync(lambda s: privacy.staff.grant(s, ...))``.

    :param keys: seal names, password hashes and reasons.
    :param log: is asked when roles were last used.
    """

    def __init__(self, desk: Desk, keys: Keyring | None, log: EventLog | None) -> None:
        self._desk = desk
        self._log = log
        self._authority = Authority(desk)
        self._pledges = Pledges(desk)
        self._accounts = Accounts(desk, self._authority, keys, Passwords())
        #: Answers the gate from the library's own tables.
        self.port = OwnStaff(desk, self._authority, self._pledges)

    def __repr__(self) -> str:
        return "<Staff>"

    # -- authority ------------------------------------------------------------------------------------------------

    def grant(
        self,
        session: Session | Connection,
        actor: str,
        role: str,
        *,
        reason: str,
        starts: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Grants a role to an actor. Who acts does so in a role whose ``grants`` name it, and stands in that one.

        :param actor: exactly as ``privacy.access(actor=...)`` will name them.
        :param reason: for whoever reviews it; sealed.
        :param starts: from when on, aware; None: at once.
        :param until: the moment from which it holds no more, aware; None: until it is revoked.
        :returns: the number of the entry.
        :raises StaffRefused: who acts may not, or would grant to themselves; names that differ only in case, blanks or the
            form of letters (NFKC) are one person's here. Or a word of the name mixes alphabets that look alike, or the role
            is not one that is granted.
        :raises NotGranted, NotPledged: who acts does not stand in the role they act in.
        """
        return self._authority.grant(session, actor, role, reason=reason, starts=starts, until=until)

    def revoke(self, session: Session | Connection, actor: str, role: str, *, reason: str) -> int:
        """Ends every grant of a role to an actor, those to come, too. Anybody may give up their own.

        :returns: the number of the entry.
        :raises StaffRefused: who acts may not, or there is nothing to revoke.
        """
        return self._authority.revoke(session, actor, role, reason=reason)

    def bootstrap(self, session: Session | Connection, actor: str, role: str, *, reason: str) -> int:
        """Grants the first role of all, one that grants, where nobody can yet: ``sa-privacy staff bootstrap``.

        :returns: the number of the entry.
        :raises StaffRefused: there are grants already.
        """
        return self._authority.bootstrap(session, actor, role, reason=reason)

    # -- pledges --------------------------------------------------------------------------------------------------

    def sign(self, session: Session | Connection, actor: str, wording: str, *, language: str | None = None) -> int:
        """Records that an actor signed a wording, in the version of today. Only the actor of the access signs.

        :param language: of the text that they were shown; the policy's first where it is left out.
        :returns: the number of the entry.
        :raises StaffRefused: somebody else acts, or there is no such wording, or no text of it in the language.
        """
        return self._pledges.sign(session, actor, wording, language=language)

    # -- accounts -------------------------------------------------------------------------------------------------

    def create(self, session: Session | Connection, name: str, *, password: str | None = None) -> str:
        """Makes an account. Who acts does so in a role that grants others.

        :param password: None: the person chooses one, with the secret of :meth:`recover`.
        :returns: the name of the actor, e.g. ``"staff:17"``, to be granted roles and to act as: one that no ledger names yet.
        :raises StaffRefused: who acts may not, the name is taken, or the password is too short.
        """
        return self._accounts.create(session, name, password=password)

    def recover(self, session: Session | Connection, actor: str, *, valid_for: timedelta = _ONE_HOUR) -> str:
        """A one-time secret with which the person chooses a new password. Who acts looks after others' accounts.

        :param valid_for: a day at most.
        :returns: the secret. Only its hash is kept: it is told here and nowhere else.
        :raises StaffRefused: who acts may not, it is their own, or there is no such account.
        """
        return self._accounts.recover(session, actor, valid_for=valid_for)

    def unlock(self, session: Session | Connection, actor: str) -> None:
        """Forgets failed attempts: they may try again at once.

        :raises StaffRefused: who acts may not, or there is no such account.
        """
        self._accounts.unlock(session, actor)

    def close(self, session: Session | Connection, actor: str, *, reason: str) -> None:
        """Closes an account for good, and revokes every role that it has.

        :raises StaffRefused: who acts may not, or there is no such account.
        """
        self._accounts.close(session, actor, reason=reason)

    def tidy(self, session: Session | Connection) -> int:
        """Removes counts of attempts that are of more than a day ago: also names that somebody made up are counted.

        :returns: how many.
        :raises StaffRefused: who acts may not.
        """
        return self._accounts.tidy(session)

    def log_in(self, database: Session | Connection | Engine, name: str, password: str) -> str:
        """Who somebody is, by name and password.

        Attempts are counted in transactions of their own, whatever becomes of the caller's, and for names that nobody has
        as well. After five failures in a row nobody may try for a second, then two, four, up to a quarter of an hour;
        an attempt in that time is refused without looking at the password.

        :param database: where; for a session, the engine behind it.
        :returns: the name of the actor, for ``privacy.access(actor=...)``.
        :raises LoginRefused: they are not known by these. It is never said why.
        """
        return self._accounts.log_in(database, name, password)

    def change_password(self, database: Session | Connection | Engine, name: str, password: str, new: str) -> str:
        """Gives an account a new password, for who knows the old one. Counted as :meth:`log_in` is.

        :raises LoginRefused: the old one is not theirs.
        :raises StaffRefused: the new one is too short.
        """
        return self._accounts.change_password(database, name, password, new)

    def redeem(self, database: Session | Connection | Engine, name: str, secret: str, new: str) -> str:
        """Gives an account a new password, for who has the secret of :meth:`recover`. Counted as :meth:`log_in` is.

        :raises LoginRefused: the secret is not theirs, was used, or is too old.
        :raises StaffRefused: the new one is too short.
        """
        return self._accounts.redeem(database, name, secret, new)

    def hash_with(self, hasher: PasswordHasher) -> None:
        """Takes other parameters of Argon2id. Older hashes are made anew as people log in.

        :param hasher: of argon2-cffi.
        """
        self._accounts.passwords = Passwords(hasher)

    # -- review ---------------------------------------------------------------------------------------------------

    def report(
        self,
        session: Session | Connection,
        *,
        log: EventLog | Finds | None = None,
        unused_after: timedelta = _NINETY_DAYS,
        expiring_within: timedelta = _THIRTY_DAYS,
    ) -> Report:
        """Who may use what: granted by whom, why, until when, last used when; and what somebody should look at.

        :param log: where uses are looked for; the log of this ``Privacy`` where it is left out. All of it is read.
        :raises StaffRefused: who acts may not look after staff.
        """
        return review(
            self._desk,
            self._authority,
            session,
            log if log is not None else self._log,
            unused_after=unused_after,
            expiring_within=expiring_within,
        )
