"""A denial says who, what and why, and the next step."""

from __future__ import annotations

import pytest

from sa_privacy.errors import AccessDenied, NoAccess, PurposeDenied
from sa_privacy.policy import Grant, Policy, Request, Touch, decide, denied, may_act_for

POLICY = Policy(
    policy={"id": "shop", "version": "1"},
    categories={"name": {}, "email": {}, "phone": {}, "birthday": {}, "amount": {}, "secret": {}},
    purposes={
        "shipping": {"use": ["name", "phone"]},
        "campaigns": {"use": ["name", "email", "birthday"]},
        "inquiries": {"use": ["name", "email"]},
        "billing": {"use": ["amount"], "delete": ["invoices"]},
        "account": {"use": ["phone", "email"], "rows": "own"},
    },
    roles={
        "warehouse": {"purposes": ["shipping", "campaigns"]},
        "packer": {"purposes": ["shipping"]},
        "clerk": {"purposes": ["billing", "inquiries"]},
        "marketing": {"purposes": ["campaigns"]},
        "customer": {"purposes": ["account"]},
        "visitor": {"purposes": ["inquiries"], "anonymous": True},
    },
    systems={"nightly": {"purposes": ["billing"]}},
)
NAME = Touch("customers.name", "name")
EMAIL = Touch("customers.email", "email")
PHONE = Touch("customers.phone", "phone")
BIRTHDAY = Touch("customers.birthday", "birthday")
AMOUNT = Touch("orders.amount", "amount")
SECRET = Touch("customers.secret", "secret")

SHIPPING = POLICY.grant(["shipping"], ["warehouse"])
PACKER = POLICY.grant(["shipping"], ["packer"])
NIGHTLY = POLICY.grant([], [], system="nightly")
VISITOR = POLICY.grant(["inquiries"], [])
TWO = POLICY.grant(["shipping", "inquiries"], ["packer", "clerk"])


def error_for(request: Request) -> AccessDenied:
    return denied(decide(request), request.grant)


def test_the_error_is_the_one_of_the_style_guide() -> None:
    """Word for word: it is what people see most of this library."""
    error = error_for(Request(SHIPPING, (BIRTHDAY,)))
    assert type(error) is PurposeDenied
    assert str(error) == (
        '[SP-201]: customers.birthday (birthday) may not be read for "shipping" as role "warehouse".\n'
        '  hint: open for: campaigns. Declare privacy.access(purpose="campaigns"), '
        "or leave the column out of the query."
    )
    assert (error.columns, error.purpose, error.roles) == (("customers.birthday",), ("shipping",), ("warehouse",))
    assert isinstance(error, PermissionError)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        pytest.param(
            Request(SHIPPING, (), (BIRTHDAY,)),
            'customers.birthday (birthday) may not be matched for "shipping" as role "warehouse".',
            id="matching",
        ),
        pytest.param(
            Request(SHIPPING, (), (), (BIRTHDAY,)),
            'customers.birthday (birthday) may not be written for "shipping" as role "warehouse".',
            id="writing",
        ),
        pytest.param(
            Request(SHIPPING, deletes=("invoices",)),
            'rows of invoices may not be deleted for "shipping" as role "warehouse".',
            id="deleting",
        ),
        pytest.param(
            Request(SHIPPING, (EMAIL, BIRTHDAY)),
            "customers.email (email) and customers.birthday (birthday) may not be read "
            'for "shipping" as role "warehouse".',
            id="two columns refused alike stand together",
        ),
        pytest.param(
            Request(SHIPPING, (EMAIL,), (EMAIL, BIRTHDAY), deletes=("invoices",)),
            "customers.email (email) may not be read or matched, and customers.birthday (birthday) may not be matched, "
            'and rows of invoices may not be deleted, for "shipping" as role "warehouse".',
            id="columns refused differently stand apart",
        ),
        pytest.param(
            Request(TWO, (BIRTHDAY,)),
            "customers.birthday (birthday) may not be read "
            'for "inquiries" and "shipping" as roles "clerk" and "packer".',
            id="several purposes and roles",
        ),
        pytest.param(
            Request(NIGHTLY, (NAME,)),
            'customers.name (name) may not be read for "billing" as system "nightly".',
            id="a system",
        ),
        pytest.param(
            Request(VISITOR, (PHONE,)), 'customers.phone (phone) may not be read for "inquiries".', id="nobody known"
        ),
        pytest.param(
            Request(None, (EMAIL,)), "customers.email (email) may not be read: no access was declared.", id="no access"
        ),
        pytest.param(
            Request(POLICY.grant([], ["packer"]), (EMAIL,)),
            "customers.email (email) may not be read: no purpose was declared.",
            id="an access without a purpose",
        ),
    ],
)
def test_the_message_says(request_: Request, message: str) -> None:
    """What was refused, what for, and as whom."""
    assert error_for(request_).message == message


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        pytest.param(
            Request(PACKER, (BIRTHDAY,)),
            'open for: campaigns. Role "packer" may not act for "campaigns"; marketing, warehouse may. '
            "Leave the column out of the query.",
            id="whose it is, where this role may not",
        ),
        pytest.param(
            Request(SHIPPING, (EMAIL,)),
            "open for: account, campaigns, inquiries. Declare the one it is for, e.g. "
            'privacy.access(purpose="campaigns"), or leave the column out of the query.',
            id="several purposes, the one of this role first",
        ),
        pytest.param(
            Request(PACKER, (EMAIL,)),
            'open for: account, campaigns, inquiries. Role "packer" may not act for any of these. '
            "Leave the column out of the query.",
            id="several purposes, none of this role",
        ),
        pytest.param(
            Request(SHIPPING, (PHONE, BIRTHDAY)),
            'open for: campaigns. Declare privacy.access(purpose=["shipping", "campaigns"]), '
            "or leave the column out of the query.",
            id="both purposes, where the other alone would shut what is open",
        ),
        pytest.param(
            Request(SHIPPING, (BIRTHDAY, AMOUNT)),
            "open: customers.birthday for campaigns; orders.amount for billing. "
            'Role "warehouse" may not act for "billing"; clerk may. Leave the columns out of the query.',
            id="several purposes, where none opens all",
        ),
        pytest.param(
            Request(POLICY.grant(["billing"], ["clerk"]), (PHONE,)),
            'open for: account, shipping. Role "clerk" may not act for any of these. Leave the column out of the query.',
            id="several purposes, none of a third role",
        ),
        pytest.param(
            Request(POLICY.grant(["billing"], ["clerk", "packer", "customer"]), (PHONE,)),
            "open for: account, shipping. Declare the one it is for, e.g. "
            'privacy.access(purpose="shipping"), or leave the column out of the query.',
            id="rather a purpose that reaches all rows",
        ),
        pytest.param(
            Request(POLICY.grant(["shipping"], ["packer", "clerk", "customer"]), (EMAIL,), (AMOUNT,)),
            "open: customers.email for account, campaigns, inquiries; orders.amount for billing. Declare "
            'privacy.access(purpose=["shipping", "billing", "inquiries"]), or leave the columns out of the query.',
            id="rather purposes of this role",
        ),
        pytest.param(
            Request(POLICY.grant(["shipping"], ["packer", "customer"]), (EMAIL, BIRTHDAY)),
            'open for: campaigns. Roles "customer" and "packer" may not act for "campaigns"; marketing, warehouse may. '
            "Leave the columns out of the query.",
            id="the one purpose that is not of these roles",
        ),
        pytest.param(
            Request(SHIPPING, (), (), (BIRTHDAY,)),
            'open for: campaigns. Declare privacy.access(purpose="campaigns"), or leave the column unset.',
            id="to leave what is written unset",
        ),
        pytest.param(
            Request(SHIPPING, (BIRTHDAY,), (), (EMAIL,)),
            'open for: campaigns. Declare privacy.access(purpose="campaigns"), or leave the columns out.',
            id="to leave out what is read and written",
        ),
        pytest.param(
            Request(SHIPPING, (), (), (SECRET,)),
            "no purpose of the policy allows it. Leave the column unset, or have the policy say what for.",
            id="that no purpose writes it",
        ),
        pytest.param(
            Request(
                POLICY.grant(["shipping"], ["packer", "customer"]), (Touch("a.b", "email", frozenset({"account"})),)
            ),
            'open for: account. Declare privacy.access(purpose="account", subject=...), '
            "or leave the column out of the query.",
            id="whose rows, where the purpose reaches only one's own",
        ),
        pytest.param(
            Request(SHIPPING, (SECRET,)),
            "no purpose of the policy allows it. Leave the column out of the query, or have the policy say what for.",
            id="that no purpose allows it",
        ),
        pytest.param(
            Request(SHIPPING, (SECRET, BIRTHDAY)),
            "no purpose of the policy allows reading customers.secret (secret). "
            "Leave the column out of the query, or have the policy say what for.",
            id="which one no purpose allows",
        ),
        pytest.param(
            Request(SHIPPING, deletes=("customers",)),
            "no purpose of the policy allows it. Have the policy say what for.",
            id="that no purpose deletes from the table",
        ),
        pytest.param(
            Request(PACKER, deletes=("invoices",)),
            'open for: billing. Role "packer" may not act for "billing"; clerk may.',
            id="what deletes from the table",
        ),
        pytest.param(
            Request(NIGHTLY, (BIRTHDAY,)),
            'open for: campaigns. System "nightly" may not act for "campaigns". Leave the column out of the query.',
            id="that the system may not",
        ),
        pytest.param(
            Request(VISITOR, (BIRTHDAY,)),
            'open for: campaigns. Without a role nobody may act for "campaigns"; marketing, warehouse may. '
            "Leave the column out of the query.",
            id="that a role is needed",
        ),
        pytest.param(
            Request(None, (EMAIL,)),
            "Declare what it is for: privacy.access(purpose=..., role=...).",
            id="to declare an access",
        ),
        pytest.param(
            Request(None, (BIRTHDAY,), policy=POLICY),
            'open for: campaigns. Declare what it is for: privacy.access(purpose="campaigns", role=...).',
            id="which access to declare",
        ),
        pytest.param(
            Request(None, (EMAIL,), policy=POLICY),
            "open for: account, campaigns, inquiries. Declare what it is for: privacy.access(purpose=..., role=...).",
            id="which accesses there are",
        ),
        pytest.param(
            Request(POLICY.grant([], ["marketing"]), (BIRTHDAY,)),
            'open for: campaigns. Declare what it is for: privacy.access(purpose="campaigns").',
            id="to declare a purpose",
        ),
        pytest.param(
            Request(POLICY.grant([], ["marketing"]), (EMAIL,)),
            'open for: account, campaigns, inquiries. Declare what it is for: privacy.access(purpose="campaigns").',
            id="to declare the one purpose of this role",
        ),
        pytest.param(
            Request(POLICY.grant([], ["packer"]), (BIRTHDAY,)),
            'open for: campaigns. Role "packer" may not act for "campaigns"; marketing, warehouse may. '
            "Leave the column out of the query.",
            id="that there is nothing for this role to declare",
        ),
    ],
)
def test_the_hint_says(request_: Request, hint: str) -> None:
    """The next step, and it leads somewhere."""
    assert error_for(request_).hint == hint


def test_no_access_is_an_error_of_its_own() -> None:
    """Nothing was declared, so nothing is said of purposes and roles."""
    error = error_for(Request(None, (EMAIL,), (NAME,)))
    assert type(error) is NoAccess
    assert (error.columns, error.purpose, error.roles) == (("customers.email", "customers.name"), (), ())
    assert str(error).startswith("[SP-202]: ")


def test_an_allowed_decision_has_no_error() -> None:
    """Asking for one is a mistake of the caller, and says so."""
    with pytest.raises(ValueError, match="nothing was refused"):
        denied(decide(Request(SHIPPING, (NAME,))), SHIPPING)


def test_many_columns_are_counted_in_the_message_and_all_named_in_the_error() -> None:
    """A wide table makes no endless line."""
    touches = tuple(Touch(f"t.c{number}", "email") for number in range(15))
    error = error_for(Request(SHIPPING, touches))
    assert "t.c7 (email) and 7 more may not be read" in error.message
    assert "t.c8" not in str(error)
    assert error.columns == tuple(touch.column for touch in touches)


@pytest.mark.parametrize("grant", [SHIPPING, PACKER, NIGHTLY], ids=["a role", "a lesser role", "a system"])
@pytest.mark.parametrize("touches", [(BIRTHDAY,), (EMAIL, PHONE), (NAME, AMOUNT), (PHONE, BIRTHDAY, AMOUNT)])
def test_the_way_out_leads_out(grant: Grant, touches: tuple[Touch, ...]) -> None:
    """The purposes that the hint says to declare do allow the whole statement, for this role; where it says to declare
    nothing, nothing that the role may declare would."""
    request = Request(grant, touches)
    hint = error_for(request).hint or ""
    if "purpose=" not in hint:
        acting = may_act_for(POLICY, grant.roles, grant.system)
        assert not decide(Request(POLICY.grant(acting, list(POLICY.roles)), touches)).allowed
        assert "may not act for" in hint
        return
    declared = hint.split("purpose=")[1].split(")")[0].split(", subject")[0].strip("[]").replace('"', "").split(", ")
    assert decide(Request(POLICY.grant(declared, grant.roles, system=grant.system), touches)).allowed
