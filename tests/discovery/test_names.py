"""What names say of columns: by words, by what stands around them, and by the table."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, DateTime, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.types import TypeEngine
from sqlalchemy_utils import EmailType, IPAddressType

from sa_privacy.discovery import in_words, scan
from sa_privacy.discovery.evidence import confidence
from sa_privacy.discovery.reasons import REASONS
from sa_privacy.discovery.tokens import canonical_romaji, tokens

PERSONAL = [
    "users.name=name",
    "users.first_name=name",
    "users.firstname=name",
    "users.email=email",
    "users.contactEmail=email",
    "users.dob=birthday",
    "users.billing_addr2=address",
    "users.zipcode=address",
    "users.password_hash=credential",
    "users.cust_tel_no=phone",
    "users.username=account",
    "orders.customer_name=name",
    "orders.shipping_name=name",
    "orders.shipToAddress1=address",
    "orders.ip=ip_address",
    "orders.recipient=name",
    "customers.custtelno=phone",
    "customers.ssn=official_id",
    "members.iban=bank_account",
    "patients.blood_type=health",
    "t.shimei=name",
    "t.furigana=name",
    "t.hurigana=name",
    "t.jusho=address",
    "t.juusho=address",
    "t.jyuusyo=address",
    "t.denwa=phone",
    "t.denwa_bangou=phone",
    "t.seinengappi=birthday",
    "t.seinenngappi=birthday",
    "t.yubin_no=address",
    "t.yuubinBangou=address",
    "t.seibetsu=gender",
    "t.kokyaku_mei=name",
    "会員.氏名=name",
    "会員.フリガナ=name",
    "会員.ﾌﾘｶﾞﾅ=name",
    "会員.電話番号１=phone",
    "会員.メールアドレス=email",
    "会員.生年月日=birthday",
    "会員.名前=name",
    "受注.顧客名=name",
    "受注.届け先住所=address",
    "社員マスタ.社員名=name",
    "t.マイナンバー=official_id",
]
NOT_PERSONAL = [
    "users.email_sent_at",
    "users.address_type",
    "users.phone_verified",
    "users.username_count",
    "users.is_email_public",
    "users.birthday_points",
    "products.name",
    "files.name",
    "tables.table_name",
    "roles.name",
    "orders.product_name",
    "orders.file_name",
    "servers.host_name",
    "users.name_format",
    "products.description",
    "categories.title",
    "t.shohin_mei",
    "商品.商品名",
    "商品.名称",
    "部署.部署名",
    "会員.登録日",
    "会員.氏名区分",
    "会員.メールアドレス確認日時",
    "companies.phone",
    "stores.address",
    "users.id",
    "users.created_at",
    "users.status",
    "users.role",
    "orders.total",
]


def looks(table: str, column: str, kind: TypeEngine[Any] | None = None) -> dict[str, float]:
    made = Table(table, MetaData(), Column("id", Integer, primary_key=True))
    if column != "id":
        made.append_column(Column(column, kind or String()))
    return {one.kind: one.confidence for one in scan([made]).findings}


@pytest.mark.parametrize("said", PERSONAL)
def test_personal(said: str) -> None:
    name, _, kind = said.partition("=")
    table, _, column = name.partition(".")
    assert list(looks(table, column)) == [kind]


@pytest.mark.parametrize("name", NOT_PERSONAL)
def test_not_personal(name: str) -> None:
    table, _, column = name.partition(".")
    assert looks(table, column) == {}


def test_a_type_that_does_not_fit_speaks_against_it() -> None:
    assert not looks("users", "email", DateTime())
    assert not looks("users", "phone", Boolean())
    assert looks("users", "birth", Date()).keys() == {"birthday"}


def test_a_type_that_is_made_for_something_says_so() -> None:
    assert looks("t", "x", INET()).keys() == {"ip_address"}
    assert looks("t", "x", EmailType()).keys() == {"email"}
    assert looks("t", "x", IPAddressType()).keys() == {"ip_address"}


def test_what_stands_beside_a_name_says_whose_it_is() -> None:
    columns = ("order_name01", "order_tel01", "order_email", "item_name")
    made = Table("t", MetaData(), *(Column(one, String) for one in columns))
    assert [one.column for one in scan([made]).findings] == ["order_name01", "order_tel01", "order_email"]


def test_whose_rows_are_follows_foreign_keys() -> None:
    metadata = MetaData()
    Table("users", metadata, Column("id", Integer, primary_key=True), Column("email", String))
    Table(
        "orders",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("approved_by_id", ForeignKey("users.id")),
        Column("user_id", ForeignKey("users.id")),
        Column("phone", String),
    )
    Table("parcels", metadata, Column("order_id", ForeignKey("orders.id")), Column("zip", String))
    Table("products", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    found = {one.table: (one.kind, one.key, one.via, one.others) for one in scan(metadata.sorted_tables).owners}
    assert found == {
        "users": ("user", "id", None, ()),
        "orders": ("user", None, "user_id", ("approved_by_id",)),
        "parcels": ("user", None, "order_id", ()),
    }


def test_who_looks_after_people_is_not_whose_their_rows_are() -> None:
    metadata = MetaData()

    def people(table: str, key: Column[Any], *columns: Column[Any]) -> None:
        Table(table, metadata, key, Column("last_name", String), *columns)

    people("employees", Column("id", Integer, primary_key=True), Column("boss", ForeignKey("employees.id")))
    people("customers", Column("id", Integer, primary_key=True), Column("support_rep_id", ForeignKey("employees.id")))
    people("sales_customers", Column("id", ForeignKey("customers.id"), primary_key=True))
    Table("invoices", metadata, Column("customer_id", ForeignKey("customers.id")), Column("zip", String))
    found = {one.table: (one.kind, one.key, one.via) for one in scan(metadata.sorted_tables).owners}
    assert found == {
        "employees": ("employee", "id", None),
        "customers": ("customer", "id", None),
        "invoices": ("customer", None, "customer_id"),
        "sales_customers": ("customer", None, "id"),
    }


def test_points_are_decibans() -> None:
    assert confidence(0) == 0.5
    assert confidence(10) == pytest.approx(10 / 11)
    assert confidence(-20) == pytest.approx(1 / 101)


def test_every_reason_has_words_in_both_languages() -> None:
    made = Table("users", MetaData(), Column("email", String))
    (finding,) = scan([made]).findings
    assert in_words(finding.evidence[0]) == '+32 the name says "email"'
    assert in_words(finding.evidence[0], "ja") == "+32 列名に「email」を含む"
    assert all(len(texts) == 2 for texts in REASONS.values())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("contactEmail", "contact email"),
        ("cust_tel_no", "cust tel no"),
        ("HTTPProxyHost2", "http proxy host 2"),
        ("dateofbirth", "date of birth"),
        ("addr02", "addr 2"),
        ("ＦＡＸ番号", "fax 番号"),
        ("xyzzyplugh", "xyzzyplugh"),
    ],
)
def test_names_are_taken_apart(name: str, words: str) -> None:
    assert " ".join(tokens(name)) == words


@pytest.mark.parametrize("spelling", ["jusho", "juusho", "jyuusyo", "zyusyo", "zyuusyo"])
def test_romaji_is_one_word_in_each_spelling(spelling: str) -> None:
    assert canonical_romaji(spelling) == "jusho"
