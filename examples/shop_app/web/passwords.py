"""Passwords of customers: Argon2id, and fewer and fewer attempts for who keeps guessing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from examples.shop_app.models import Customer, CustomerPassword
from sa_privacy import Privacy

__all__ = ["SHORTEST", "find_customer", "hash_password", "is_password"]

SHORTEST: Final = 12
_HASHER: Final = PasswordHasher()
_FREE: Final = 5
_LONGEST: Final = timedelta(minutes=15)
#: Of nobody, so that a name that nobody has takes as long.
_NOBODYS: Final = _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def is_password(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except VerificationError:
        return False


def find_customer(privacy: Privacy, session: Session, email: str, password: str) -> int | None:
    """Who signs in with this address and this password; nobody, without saying why.

    The purpose finds a person by e-mail address, and reads nothing of them but the hash.
    """
    with privacy.access("sign_in", role="visitor"):
        found = session.scalars(select(CustomerPassword).join(Customer).where(Customer.email == email)).first()
        now = datetime.now(UTC)
        if found is None or (found.closed_until is not None and _aware(found.closed_until) > now):
            is_password(_NOBODYS, password)
            return None
        right = is_password(found.hash, password)
        found.failures = 0 if right else found.failures + 1
        over = found.failures - _FREE
        found.closed_until = None if over < 0 else now + min(_LONGEST, timedelta(seconds=2 ** min(over, 10)))
        number = found.customer_id
        session.commit()
    return number if right else None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps no zone
