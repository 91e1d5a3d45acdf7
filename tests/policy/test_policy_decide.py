"""The judge, as a table: who asks, what for, and what comes of it."""

from __future__ import annotations

import pytest

from sa_privacy.policy import Decision, Denial, Grant, Policy, Request, Touch, decide

POLICY = Policy(
    policy={"id": "shop", "version": "1"},
    categories={"name": {}, "email": {}, "birthday": {}, "secret": {}},
    purposes={
        "shipping": {"use": ["name"], "delete": ["parcels"]},
        "campaigns": {"read": ["name", "birthday"], "match": ["birthday"]},
        "greetings": {"use": ["birthday"]},
        "account": {"use": ["name", "email"], "rows": "own", "delete": ["customers"]},
        "sign_in": {"match": ["email"]},
    },
    roles={
        "staff": {"purposes": ["shipping", "campaigns", "greetings"]},
        "customer": {"purposes": ["account"]},
        "visitor": {"purposes": ["sign_in"], "anonymous": True},
        "engineer": {"maintenance": True},
    },
)

NAME = Touch("customers.name", "name")
EMAIL = Touch("customers.email", "email")
BIRTHDAY = Touch("customers.birthday", "birthday")
SECRET = Touch("customers.secret", "secret")
SHIPPED_NAME = Touch("parcels.name", "name", only=frozenset({"shipping"}))

SHIPPING = POLICY.grant(["shipping"], ["staff"])
CAMPAIGNS = POLICY.grant(["campaigns"], ["staff"])
BOTH = POLICY.grant(["shipping", "campaigns"], ["staff"])
ACCOUNT = POLICY.grant(["account"], ["customer"])
STAFF_AND_CUSTOMER = POLICY.grant(["account", "shipping"], ["staff", "customer"])
SIGN_IN = POLICY.grant(["sign_in"], [])
NO_PURPOSE = POLICY.grant([], ["staff"])
MAINTENANCE = POLICY.grant([], ["engineer"], maintenance=True)

BIRTHDAY_OPEN = ("campaigns", "greetings")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request(None), id="without an access, what touches nothing personal runs"),
        pytest.param(Request(SHIPPING), id="with an access, what touches nothing personal runs"),
        pytest.param(Request(SHIPPING, (NAME,), (NAME,), (NAME,)), id="use is read, match and write"),
        pytest.param(Request(CAMPAIGNS, (NAME, BIRTHDAY), (BIRTHDAY,)), id="finer verbs allow what they name"),
        pytest.param(Request(BOTH, (NAME, BIRTHDAY), (), (NAME,)), id="two purposes allow what either allows"),
        pytest.param(Request(SIGN_IN, (), (EMAIL,)), id="signing in looks a person up by e-mail"),
        pytest.param(Request(SHIPPING, (SHIPPED_NAME,)), id="a narrowed column opens for its purpose"),
        pytest.param(Request(SHIPPING, deletes=("parcels",)), id="a purpose deletes from the tables it names"),
        pytest.param(
            Request(MAINTENANCE, (SECRET,), (SECRET,), (SHIPPED_NAME,), ("customers",)), id="maintenance does anything"
        ),
    ],
)
def test_is_allowed(request_: Request) -> None:
    """Allowed, on all rows."""
    assert decide(request_) == Decision(allowed=True)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request(ACCOUNT, (EMAIL,)), id="reading one's own e-mail"),
        pytest.param(Request(ACCOUNT, (), (EMAIL,)), id="matching one's own e-mail"),
        pytest.param(Request(ACCOUNT, (), (), (EMAIL,)), id="writing one's own e-mail"),
        pytest.param(Request(ACCOUNT, deletes=("customers",)), id="deleting one's own account"),
        pytest.param(Request(STAFF_AND_CUSTOMER, (NAME, EMAIL)), id="one of two columns is for own rows only"),
    ],
)
def test_is_allowed_on_own_rows(request_: Request) -> None:
    """Allowed, and the gate has to bind it to the rows of one person."""
    assert decide(request_) == Decision(allowed=True, own=True)


def test_a_purpose_that_reaches_all_rows_is_not_limited_by_one_that_does_not() -> None:
    """Own rows matter only where nothing else allows it."""
    assert decide(Request(STAFF_AND_CUSTOMER, (NAME,))) == Decision(allowed=True, own=False)


@pytest.mark.parametrize(
    ("request_", "denials"),
    [
        pytest.param(
            Request(None, (NAME,)), [Denial("read", "customers.name", "name")], id="without an access nothing is read"
        ),
        pytest.param(
            Request(None, (), (BIRTHDAY,), policy=POLICY),
            [Denial("match", "customers.birthday", "birthday", BIRTHDAY_OPEN)],
            id="without an access the policy at hand still names the way out",
        ),
        pytest.param(
            Request(None, deletes=("customers",), policy=POLICY),
            [Denial("delete", "customers", "", ("account",))],
            id="without an access nothing is deleted",
        ),
        pytest.param(
            Request(NO_PURPOSE, (NAME,)),
            [Denial("read", "customers.name", "name", ("account", "campaigns", "shipping"))],
            id="a role alone opens nothing",
        ),
        pytest.param(
            Request(SHIPPING, (NAME, BIRTHDAY)),
            [Denial("read", "customers.birthday", "birthday", BIRTHDAY_OPEN)],
            id="only what is not covered is denied",
        ),
        pytest.param(
            Request(CAMPAIGNS, (), (NAME,)),
            [Denial("match", "customers.name", "name", ("account", "shipping"))],
            id="read is not match",
        ),
        pytest.param(
            Request(CAMPAIGNS, (), (), (BIRTHDAY,)),
            [Denial("write", "customers.birthday", "birthday", ("greetings",))],
            id="read and match are not write",
        ),
        pytest.param(
            Request(SIGN_IN, (EMAIL,), (EMAIL,)),
            [Denial("read", "customers.email", "email", ("account",))],
            id="signing in does not read the e-mail",
        ),
        pytest.param(
            Request(CAMPAIGNS, (SHIPPED_NAME,)),
            [Denial("read", "parcels.name", "name", ("shipping",))],
            id="a narrowed column is closed to the other purposes of its category",
        ),
        pytest.param(
            Request(BOTH, (SECRET,)), [Denial("read", "customers.secret", "secret")], id="what no purpose opens is shut"
        ),
        pytest.param(
            Request(SHIPPING, (Touch("x.y", "unheard_of"),)),
            [Denial("read", "x.y", "unheard_of")],
            id="a category that the policy does not know is shut",
        ),
        pytest.param(
            Request(SHIPPING, (Touch("x.y", "name", frozenset()),)),
            [Denial("read", "x.y", "name")],
            id="a column narrowed to no purpose is shut",
        ),
        pytest.param(
            Request(SHIPPING, deletes=("parcels", "customers")),
            [Denial("delete", "customers", "", ("account",))],
            id="a table that the purpose does not name is not deleted from",
        ),
        pytest.param(
            Request(SIGN_IN, (NAME, NAME), (NAME,)),
            [
                Denial("read", "customers.name", "name", ("account", "campaigns", "shipping")),
                Denial("match", "customers.name", "name", ("account", "shipping")),
            ],
            id="each verb of a column is denied once",
        ),
    ],
)
def test_is_denied(request_: Request, denials: list[Denial]) -> None:
    """Denied, with the purposes that would allow it."""
    decision = decide(request_)
    assert not decision.allowed
    assert list(decision.denials) == denials


@pytest.mark.parametrize(
    ("grant", "touches", "alone"),
    [
        pytest.param(SHIPPING, (BIRTHDAY,), ("campaigns", "greetings"), id="each that opens the column"),
        pytest.param(SHIPPING, (BIRTHDAY, NAME), ("campaigns",), id="only such as keep what was covered"),
        pytest.param(SHIPPING, (BIRTHDAY, EMAIL), (), id="none where no purpose opens both"),
    ],
)
def test_the_purposes_that_suffice_alone_are_known(
    grant: Grant, touches: tuple[Touch, ...], alone: tuple[str, ...]
) -> None:
    """A way out that ends at the next closed door is none."""
    assert decide(Request(grant, touches)).alone == alone


def test_a_purpose_suffices_alone_only_if_it_deletes_too() -> None:
    """Rows that are to go count as much as columns."""
    assert decide(Request(SHIPPING, (EMAIL,), deletes=("customers",))).alone == ("account",)
    assert decide(Request(SHIPPING, (EMAIL,), deletes=("parcels",))).alone == ()


def test_a_denial_reads_as_words_for_the_log() -> None:
    """One denial, one line; the column and the category, never a value."""
    assert str(Denial("read", "customers.email", "email")) == "read customers.email (email)"
    assert str(Denial("delete", "customers", "")) == "delete customers"
