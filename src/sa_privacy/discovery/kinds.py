"""The kinds of personal data that a scan knows, and what a policy may call each."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sa_privacy.policy import Policy

__all__ = ["KINDS", "Kind", "category_for"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data.

    :param name: the category that is suggested where no policy is given.
    :param families: the families of types (:mod:`~sa_privacy.discovery.types`) that fit beside text.
    :param dpv: the term of W3C's Data Privacy Vocabulary, where there is one.
    :param also: other names that a policy may have for the category.
    :param lookup: how a sealed column of this kind is searched; None: it is not expected to be.
    :param sealed: False where applications match and order by it, as they do by login names.
    """

    name: str
    en: str
    ja: str
    families: frozenset[str] = frozenset()
    dpv: str | None = None
    also: tuple[str, ...] = ()
    lookup: str | None = None
    sealed: bool = True


def _kind(
    name: str, en: str, ja: str, families: str = "", dpv: str | None = None, also: str = "", **how: object
) -> Kind:
    return Kind(name, en, ja, frozenset(families.split()), dpv, tuple(also.split()), **how)  # type: ignore[arg-type]


KINDS: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            _kind("name", "name", "氏名", "json enum", "pd:Name", "names full_name person_name"),
            _kind(
                *("email", "e-mail address", "メールアドレス", "json", "pd:EmailAddress", "email_address mail e_mail"),
                lookup="casefold",
            ),
            _kind(
                "phone",
                "telephone number",
                "電話番号",
                "integer json",
                "pd:TelephoneNumber",
                "telephone tel phone_number",
            ),
            _kind("address", "address", "住所", "integer json", "pd:PhysicalAddress", "postal_address addresses"),
            _kind(
                "birthday",
                "date of birth or age",
                "生年月日",
                "date datetime integer",
                "pd:BirthDate",
                "birth_date date_of_birth birthdate age",
            ),
            _kind("gender", "gender", "性別", "integer enum", "pd:Gender", "sex"),
            _kind(
                "account",
                "account name",
                "アカウント名",
                "integer",
                "pd:Username",
                "username login user_name",
                sealed=False,
            ),
            _kind(
                "credential",
                "password or secret",
                "パスワード・秘密情報",
                "binary json uuid",
                "pd:Password",
                "credentials password secret",
            ),
            _kind(
                "official_id",
                "official number",
                "公的な番号",
                "integer",
                "pd:OfficialID",
                "national_id my_number identity_document",
            ),
            _kind(
                "person_number",
                "number of a person",
                "個人に付した番号",
                "integer",
                None,
                "customer_number member_number",
                lookup="exact",
            ),
            _kind("bank_account", "bank account", "銀行口座", "integer", "pd:BankAccount", "bank account_number iban"),
            _kind(
                "card",
                "payment card",
                "クレジットカード",
                "integer",
                "pd:PaymentCardNumber",
                "payment_card credit_card card_number",
            ),
            _kind("income", "income", "収入", "integer number", "pd:Income", "salary wages"),
            _kind("ip_address", "IP address", "IPアドレス", "inet", "pd:IPAddress", "ip"),
            _kind(
                "online_id",
                "identifier of a device or an account elsewhere",
                "端末・外部サービスの識別子",
                "uuid integer json",
                "pd:OnlineIdentifier",
                "device_id online_identifier",
            ),
            _kind("location", "location", "位置情報", "number json", "pd:Location", "geolocation position"),
            _kind("photo", "picture of a person", "写真", "binary json", "pd:Picture", "picture image portrait"),
            _kind("health", "health", "健康情報", "integer number enum json", "pd:Health", "medical"),
            _kind(
                "origin",
                "origin or belief",
                "国籍・出身・信条",
                "integer enum",
                "pd:EthnicOrigin",
                "nationality ethnicity religion",
            ),
            _kind("family", "family", "家族", "integer enum json", "pd:Family", "relatives household"),
            _kind(
                "occupation",
                "occupation or employer",
                "職業・勤務先",
                "integer enum",
                "pd:Occupation",
                "job employer profession",
            ),
            _kind("profile", "what is known about a person", "プロフィール", "json binary", "pd:Profile", "user_data"),
            _kind(
                "notes",
                "what a person wrote, or was written about one",
                "自由記述",
                "json",
                "pd:Opinion",
                "opinions comments free_text messages",
            ),
        )
    }
)


def category_for(kind: str, policy: Policy | None) -> str:
    """The policy's own category for a kind: by name, by another name, or by its term; the kind's name where it has none."""
    known = KINDS[kind]
    if policy is None:
        return kind
    for name in (known.name, *known.also):
        if name in policy.categories:
            return name
    for name, category in policy.categories.items():
        if known.dpv is not None and category.dpv == known.dpv:
            return name
    return kind
