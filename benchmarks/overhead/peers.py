"""What else there is: two column types that encrypt, and a set-up by hand of what PostgreSQL itself brings."""

from __future__ import annotations

import hmac
from typing import Any

from sqlalchemy import URL, LargeBinary, Text, create_engine, event, func, select, text
from sqlalchemy.orm import Session, mapped_column
from sqlalchemy.types import TypeDecorator

from benchmarks.overhead.models import PERSONAL, Models, make_models, person
from benchmarks.overhead.operations import LOOK_UP, TEXT, Values, one_of, scan
from benchmarks.overhead.side import Side

__all__ = ["ADVANCED_ALCHEMY", "BY_HAND", "PEERS", "SQLALCHEMY_UTILS", "make"]

SQLALCHEMY_UTILS, ADVANCED_ALCHEMY, BY_HAND = "SQLAlchemy-Utils", "advanced-alchemy", "by hand"
PEERS = (SQLALCHEMY_UTILS, ADVANCED_ALCHEMY, BY_HAND)
LOGIN, KEY = "bench_by_hand", "a key of the peer, of no use to anybody"


def make(name: str, url: URL, *, is_async: bool) -> Side:
    """One of :data:`PEERS`, with its rows; the one by hand on PostgreSQL alone."""
    if name == BY_HAND:
        return _by_hand(url, is_async=is_async)
    models = make_models(_utils if name == SQLALCHEMY_UTILS else _advanced)
    # Neither can search: the same value never has the same ciphertext.
    side = Side(models, url, is_async=is_async, how={LOOK_UP: scan})
    side.make_tables()
    side.fill()
    return side


def _utils(key: str) -> Any:
    from sqlalchemy_utils import StringEncryptedType  # noqa: PLC0415
    from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine  # noqa: PLC0415

    return mapped_column(StringEncryptedType(Text, KEY, AesGcmEngine))


def _advanced(key: str) -> Any:
    from advanced_alchemy.types import EncryptedString  # noqa: PLC0415 - of the extra `bench`

    return mapped_column(EncryptedString(key=KEY, length=320))


# -- by hand --------------------------------------------------------------------------------------------------------------

_OWNER = f"""
CREATE EXTENSION pgcrypto;
CREATE TABLE customers (
  id SERIAL PRIMARY KEY, shop INTEGER NOT NULL, name BYTEA, address BYTEA, phone BYTEA, email BYTEA, email_digest BYTEA UNIQUE
);
CREATE TABLE orders (id SERIAL PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, item TEXT NOT NULL);
CREATE TABLE changes (at TIMESTAMPTZ DEFAULT now(), actor TEXT, verb TEXT, customer INTEGER);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$ BEGIN
  INSERT INTO changes (actor, verb, customer) VALUES (current_setting('bench.actor'), TG_OP, NEW.id); RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY shop ON customers USING (shop = current_setting('bench.shop')::integer);
CREATE ROLE {LOGIN} LOGIN;
GRANT SELECT, INSERT, UPDATE ON customers, orders TO {LOGIN};
GRANT USAGE ON SEQUENCE customers_id_seq, orders_id_seq TO {LOGIN};
ALTER ROLE {LOGIN} SET log_statement = 'all';
ALTER ROLE {LOGIN} SET log_parameter_max_length = 0;
"""
_BEGIN = f"SELECT set_config('bench.key', '{KEY}', true), set_config('bench.shop', '1', true), set_config('bench.actor', 'staff:17', true)"
_SECRET, _HOW = text("current_setting('bench.key')"), text("'cipher-algo=aes256, s2k-mode=1, compress-algo=0'")
_DECRYPTED = ", ".join(f"pgp_sym_decrypt({key}, current_setting('bench.key'))" for key in PERSONAL)


class Encrypted(TypeDecorator[str]):
    """The server encrypts and decrypts, with a key that needs no stretching: each cell would take milliseconds."""

    impl = Text
    cache_ok = True

    def bind_expression(self, bindvalue: Any) -> Any:
        return func.pgp_sym_encrypt(bindvalue, _SECRET, _HOW)

    def column_expression(self, column: Any) -> Any:
        return func.pgp_sym_decrypt(column, _SECRET, type_=Text)


def _digest(email: str) -> bytes:
    return hmac.digest(KEY.encode(), email.encode(), "sha256")


def _look_up(session: Session, models: Models, turn: int) -> Values:
    digest = _digest(person(one_of(turn))["email"])
    one = session.scalars(select(models.Customer).where(models.Customer.email_digest == digest)).one()
    return one.name, one.address, one.phone, one.email


def _sql_text(session: Session, models: Models, turn: int) -> Values:
    return tuple(
        session.execute(text(f"SELECT {_DECRYPTED} FROM customers WHERE id = :id"), {"id": one_of(turn)}).one()
    )


def _by_hand(url: URL, *, is_async: bool) -> Side:
    owner = create_engine(url)
    with owner.begin() as connection:
        connection.exec_driver_sql(_OWNER)
    owner.dispose()
    models = make_models(lambda _: mapped_column(Encrypted))
    models.Customer.email_digest = mapped_column(
        LargeBinary, default=lambda context: _digest(context.get_current_parameters()["email"])
    )
    how = {LOOK_UP: _look_up, TEXT: _sql_text}
    side = Side(models, url.set(username=LOGIN), is_async=is_async, how=how)
    event.listen(side.engine.sync_engine if is_async else side.engine, "begin", lambda c: c.exec_driver_sql(_BEGIN))
    side.fill()
    return side
