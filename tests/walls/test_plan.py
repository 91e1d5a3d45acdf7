"""The plan of a wall: pure, worked out by hand for a small policy."""

from __future__ import annotations

import pytest

from sa_privacy import Policy, PolicyError
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.walls import ColumnShape, Login, Right, TableShape, WallPlan, plan_wall, reach_of, shapes_of
from sa_privacy.walls.ddl import statements
from sa_privacy.walls.reach import base_role, maintenance_role, purpose_role, role_of
from tests.gate import people, world

POLICY = Policy(
    policy={"id": "shop", "version": "1"},
    categories={"name": {}, "email": {}, "note": {}},
    purposes={
        "shipping": {"use": ["name"]},
        "sign_in": {"match": ["email"]},
        "mailing": {"read": ["email", "name"], "delete": ["customers"]},
        "account": {"use": ["name", "email"], "rows": "own"},
        "nightly": {"use": ["note"]},
        "idle": {"use": ["note"]},
    },
    roles={
        "warehouse": {"purposes": ["shipping"]},
        "marketing": {"purposes": ["mailing", "shipping"]},
        "visitor": {"purposes": ["sign_in", "account"], "anonymous": True},
        "engineer": {"maintenance": True},
    },
    systems={"report": {"purposes": ["nightly", "shipping"]}},
)
ALL = ("id", "tier", "name", "email", "note")


def personal(name: str, category: str, purposes: frozenset[str] | None = None) -> PersonalColumn:
    return PersonalColumn(f"customers.{name}", "customers", name, category, purposes)


CATALOGUE = Catalogue(
    (
        PersonalTable(
            "customers",
            None,
            "customers",
            {
                "name": personal("name", "name"),
                "email": personal("email", "email", frozenset({"mailing", "sign_in"})),
                "note": personal("note", "note"),
            },
            ALL,
        ),
    ),
    frozenset({(None, "products")}),
)
CUSTOMERS = TableShape(
    None, "customers", tuple(ColumnShape(name, name == "note") for name in ALL), ((None, "customers_id_seq"),)
)
PRODUCTS = TableShape("stock", "products", (ColumnShape("id", False), ColumnShape("title")))


def planned(*logins: Login, **how: object) -> WallPlan:
    return plan_wall(POLICY, CATALOGUE, [CUSTOMERS, PRODUCTS], logins=logins, **how)  # type: ignore[arg-type]


def held(plan: WallPlan, role: str, table: str = "customers") -> set[str]:
    """Rights on a table, as ``"SELECT name"``; ``"SELECT"`` for the whole."""
    return {
        f"{right.privilege} {right.column}".strip()
        for right in plan.rights
        if right.grantee == role and right.kind == "table" and right.thing[1] == table
    }


def test_every_purpose_that_somebody_acts_for_has_a_role() -> None:
    assert [role.name for role in planned().roles] == [
        "sap/shop",
        "sap/shop/shipping",
        "sap/shop/sign_in",
        "sap/shop/mailing",
        "sap/shop/account",
        "sap/shop/nightly",
        "sap/shop/nightly+shipping",
        "sap/shop+maintenance",
    ]


def test_the_base_role_has_what_is_not_personal() -> None:
    expected = {f"{verb} {name}" for verb in ("SELECT", "INSERT", "UPDATE") for name in ("id", "tier")}
    assert held(planned(), "sap/shop") == expected | {"INSERT note"}
    assert held(planned(), "sap/shop", "products") == {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_a_purpose_has_the_columns_it_covers_and_no_other() -> None:
    plan = planned()
    assert held(plan, "sap/shop/shipping") == {"SELECT name", "INSERT name", "UPDATE name"}
    assert held(plan, "sap/shop/mailing") == {"SELECT email", "SELECT name", "DELETE"}
    assert held(plan, "sap/shop/nightly+shipping") == {
        f"{verb} {name}" for verb in ("SELECT", "INSERT", "UPDATE") for name in ("name", "note")
    }
    assert held(plan, "sap/shop/shipping", "products") == set()  # it inherits the base role's


def test_a_column_that_is_narrowed_to_purposes_is_shut_to_the_others() -> None:
    assert held(planned(), "sap/shop/account") == {"SELECT name", "INSERT name", "UPDATE name"}


def test_maintenance_has_everything() -> None:
    assert held(planned(), "sap/shop+maintenance") == {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"}


def test_a_column_that_no_model_knows_is_shut_and_named() -> None:
    wide = TableShape(None, "customers", (*CUSTOMERS.columns, ColumnShape("old_email")))
    plan = plan_wall(POLICY, CATALOGUE, [wide])
    assert plan.unknown == ("customers.old_email",)
    assert not [right for right in plan.rights if right.column == "old_email"]


def test_what_grants_cannot_say_is_listed() -> None:
    listed = {(one.kind, one.role): one.what for one in planned().not_walled}
    assert listed == {
        ("insert", "everybody"): ("customers.note",),
        ("match", "sap/shop/sign_in"): ("customers.email",),
        ("read", "sap/shop/mailing"): ("customers.email", "customers.name"),
    }


def test_rows_of_nobody_are_shut_to_a_purpose_that_reaches_only_ones_own() -> None:
    shut = [one for one in planned().policies if one.restrictive]
    assert [(one.roles, one.table, one.using, one.check) for one in shut] == [
        (("sap/shop/account",), ("public", "customers"), "(false)", "false")
    ]


def test_a_login_is_a_member_of_its_own_zone_only() -> None:
    plan = planned(
        Login("desk", roles=("warehouse", "marketing")),
        Login("web", roles=("visitor",)),
        Login("jobs", roles=(), systems=("report",)),
        Login("ops", roles=("engineer",)),
        Login("all"),
    )
    assert plan.members == {
        "desk": ("sap/shop", "sap/shop/shipping", "sap/shop/mailing"),
        "web": ("sap/shop", "sap/shop/sign_in", "sap/shop/account"),
        "jobs": ("sap/shop", "sap/shop/shipping", "sap/shop/nightly", "sap/shop/nightly+shipping"),
        "ops": ("sap/shop", "sap/shop+maintenance"),
        "all": tuple(role.name for role in plan.roles if not role.maintenance),
    }
    assert held(plan, "web") == held(plan, "sap/shop")


def test_purposes_that_are_declared_together_get_a_role_where_none_of_them_will_do() -> None:
    plan = planned(together=[("sign_in", "shipping"), ("mailing", "sign_in")])
    names = {role.name for role in plan.roles}
    assert "sap/shop/shipping+sign_in" in names
    assert held(plan, "sap/shop/shipping+sign_in") == {"SELECT name", "INSERT name", "UPDATE name", "SELECT email"}
    roles = ["marketing", "visitor"]
    assert role_of(POLICY.grant(["shipping", "sign_in"], roles), CATALOGUE) == "sap/shop/shipping+sign_in"
    everything = world.POLICY.grant(["billing", "everything"], ["clerk"])
    catalogue = Catalogue()
    assert role_of(everything, catalogue) == "sap/gate-tests/billing"  # of no columns, both reach the same


def test_the_role_of_a_grant_is_one_that_the_plan_makes() -> None:
    made = {role.name: role.reach for role in planned().roles}
    grants = [POLICY.grant([name], [role.name]) for role in POLICY.roles.values() for name in role.purposes]
    grants.append(POLICY.grant([], [], system="report"))
    grants.append(POLICY.grant(["nightly"], [], system="report"))
    for grant in grants:
        name = role_of(grant, CATALOGUE)
        assert name is not None
        assert made[name] == reach_of(grant, CATALOGUE)
    assert role_of(POLICY.grant([], ["engineer"], maintenance=True), CATALOGUE) in made
    assert role_of(POLICY.grant([], ["warehouse"]), CATALOGUE) is None
    assert role_of(None, CATALOGUE) is None


def test_names_are_short_and_never_meet() -> None:
    long = "a" * 40
    policies = [
        Policy(
            policy={"id": name, "version": "1"}, categories={"c": {}}, purposes={p: {"use": ["c"]} for p in purposes}
        )
        for name, purposes in (
            ("a/b", ["x"]),
            ("a", ["x", "y", "x-y", long, long + "a", "住所" * 12]),
            ("a+maintenance", ["x"]),
            ("a b", ["x"]),
            ("a_b", ["x"]),
            ("日本語の方針", ["x"]),
        )
    ]
    names = []
    for policy in policies:
        names += [base_role(policy), maintenance_role(policy)]
        names += [purpose_role(policy, [purpose]) for purpose in policy.purposes]
    names.append(purpose_role(policies[1], ["x", "y"]))
    assert len(set(names)) == len(names)
    assert max(len(name.encode()) for name in names) <= 63
    assert "sap/a/x" in names


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"logins": [Login("x", roles=("warehous",))]}, 'did you mean "warehouse"'),
        ({"logins": [Login("x", systems=("reports",))]}, 'did you mean "report"'),
        ({"together": [("shiping",)]}, 'did you mean "shipping"'),
        ({"together": [("idle", "shipping")]}, "act for"),
    ],
)
def test_what_the_policy_does_not_know_is_refused_with_the_nearest_name(how: dict[str, object], named: str) -> None:
    with pytest.raises(PolicyError) as caught:
        plan_wall(POLICY, CATALOGUE, [CUSTOMERS], **how)  # type: ignore[arg-type]
    assert named in str(caught.value)


def test_a_policy_without_roles_opens_every_purpose() -> None:
    policy = Policy(policy={"id": "p", "version": "1"}, categories={"name": {}}, purposes={"x": {"use": ["name"]}})
    plan = plan_wall(policy, CATALOGUE, [CUSTOMERS], logins=[Login("web")])
    assert [role.name for role in plan.roles] == ["sap/p", "sap/p/x"]
    assert plan.members == {"web": ("sap/p", "sap/p/x")}


def test_a_zone_may_become_what_its_roles_may_do_in_an_emergency() -> None:
    policy = Policy(
        policy={"id": "p", "version": "1"},
        categories={"name": {}},
        purposes={"x": {"use": ["name"]}, "y": {"read": ["name"]}},
        roles={
            "desk": {"purposes": ["y"], "break_glass": ["x"], "break_glass_for": "PT5M"},
            "other": {"purposes": ["y"]},
        },
    )
    plan = plan_wall(policy, CATALOGUE, [CUSTOMERS], logins=[Login("web", ("desk",)), Login("api", ("other",))])
    assert plan.members == {"web": ("sap/p", "sap/p/x", "sap/p/y"), "api": ("sap/p", "sap/p/y")}


def test_the_same_plan_is_the_same_sql() -> None:
    assert statements(planned(Login("web"))) == statements(planned(Login("web")))


def test_names_are_quoted_whatever_they_hold() -> None:
    odd = TableShape('s"; DROP', 'o"; --', (ColumnShape("id", False),))
    sql = statements(plan_wall(POLICY, CATALOGUE, [odd], logins=[Login('w"eb')]))
    assert any('"s""; DROP"."o""; --"' in line for line in sql)
    assert any('"w""eb"' in line for line in sql)
    assert not any('w"eb' in line.replace('w""eb', "") for line in sql)


def test_shapes_of_models_name_the_sequences_of_their_keys() -> None:
    shapes = {shape.name: shape for shape in shapes_of([world.Base.metadata, people.Base.metadata])}
    assert shapes["orders"].sequences == ((None, "orders_id_seq"),)
    assert shapes["employees"].sequences == ()
    assert shapes["accounts"].sequences == ()
    assert ColumnShape("phone", True) in shapes["customers"].columns


def test_a_schema_that_no_model_names_is_the_first_of_the_search_path() -> None:
    plan = plan_wall(POLICY, CATALOGUE, [CUSTOMERS, PRODUCTS], schema="app")
    assert Right("schema", ("app", ""), "sap/shop", "USAGE") in plan.rights
    assert Right("schema", ("stock", ""), "sap/shop", "USAGE") in plan.rights
    assert Right("sequence", ("app", "customers_id_seq"), "sap/shop", "USAGE") in plan.rights
    assert plan.personal == (("app", "customers"),)
