"""The draft of a policy: it loads, it only ever opens more, and it refuses nothing of what the log has seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sa_privacy.accesslog import AccessLog, Event, members
from sa_privacy.errors import AccessDenied
from sa_privacy.policy import Policy, Request, Touch, decide
from sa_privacy.publish import Draft, covering, draft_policy, read_uses
from tests.policy.test_policy_properties import documents
from tests.support.draws import draws

Said = dict[str, Any]
HEAD = {"id": "shop", "version": "1"}
CATEGORIES: dict[str, object] = {"name": {}, "email": {}, "phone": {}}
HOLDS = {"customers.name": "name", "customers.email": "email", "customers.phone": "phone"}


def shop(**more: Any) -> Policy:
    sections: dict[str, Any] = {
        "purposes": {"shipping": {"use": ["name"]}, "letters": {"read": ["name", "email"], "match": ["email"]}},
        "roles": {"warehouse": {"purposes": ["shipping"]}, "marketing": {"purposes": ["letters"]}},
    }
    return Policy(policy=HEAD, categories=CATEGORIES, **(sections | more))


def logged(events: list[tuple[str, Said]]) -> list[Event]:
    """The events, through a real log."""
    with tempfile.TemporaryDirectory() as directory, AccessLog.open(directory) as log:
        for kind, said in events:
            log.append(kind, members(**said))
        return list(log.events())


def would_deny(*denials: str, site: str = "shop/orders.py:7 in listing", **said: Any) -> tuple[str, Said]:
    by_verb: dict[str, list[str]] = {}
    for denial in denials:
        verb, _, name = denial.partition(" ")
        member = {"read": "reads", "match": "matches", "write": "writes", "delete": "deletes"}.get(verb)
        if member is not None:
            by_verb.setdefault(member, []).append(name)
    return "intent", {
        "decision": "would_deny",
        "denials": list(denials),
        "site": site,
        "categories": HOLDS,
        **by_verb,
        **said,
    }


def drafted(policy: Policy, *events: tuple[str, Said]) -> Draft:
    return draft_policy(policy, read_uses(logged(list(events)), policy))


# -- what is drafted --------------------------------------------------------------------------------------------------


def test_a_purpose_that_is_there_is_rather_declared_than_another_one_made() -> None:
    draft = drafted(shop(), would_deny("read customers.email", "match customers.email"))
    [proposal] = draft.proposals
    assert (proposal.purposes, proposal.roles, proposal.kind) == (("letters",), ("marketing",), "declare")
    assert draft.policy.hash == shop().hash
    assert "shop/orders.py:7 in listing: once without a purpose" in draft.text
    assert 'privacy.access(purpose="letters", role=...); marketing may act for it' in draft.text


def test_the_smallest_purpose_is_chosen() -> None:
    policy = shop(purposes={"a_lot": {"use": ["name", "email", "phone"]}, "little": {"read": ["email"]}}, roles=None)
    assert drafted(policy, would_deny("read customers.email")).proposals[0].purposes == ("little",)


def test_several_purposes_are_declared_together_where_none_does_alone() -> None:
    policy = shop(roles=None)
    draft = drafted(policy, would_deny("read customers.email", "write customers.name"))
    assert draft.proposals[0].purposes == ("letters", "shipping")
    assert 'purpose=["letters", "shipping"]' in draft.text


def test_a_role_is_rather_let_act_for_a_purpose_that_covers_than_what_is_published_widened() -> None:
    """What the report calls "Covered by" is what is proposed."""
    policy = shop()
    report = read_uses(logged([would_deny("read customers.email", purpose=["shipping"], roles=["warehouse"])]), policy)
    draft = draft_policy(policy, report)
    [proposal] = draft.proposals
    assert (proposal.purposes, proposal.kind) == (("letters",), "declare")
    assert proposal.purposes in covering(policy, report.places[0].needs, report.known)
    assert draft.policy.purposes == policy.purposes
    assert draft.policy.roles["warehouse"].purposes == {"letters", "shipping"}
    assert "# WIDENED. May also act for: letters." in draft.text
    assert 'or widen "shipping" by read customers.email' in draft.text  # for people to choose


def test_a_declared_purpose_is_widened_where_none_covers() -> None:
    draft = drafted(shop(), would_deny("read customers.phone", purpose=["shipping"], roles=["warehouse"]))
    [proposal] = draft.proposals
    assert (proposal.purposes, proposal.kind) == (("shipping",), "widened")
    assert draft.policy.purposes["shipping"].read == {"name", "phone"}
    assert draft.policy.purposes["shipping"].write == {"name"}
    assert draft.policy.roles["warehouse"].purposes == {"shipping"}
    assert "# WIDENED by: read customers.phone.\n# shop/orders.py:7 in listing: once" in draft.text


def test_maintenance_is_named_where_whole_rows_are_written() -> None:
    everything = [f"write {column}" for column in HOLDS]
    assert "maintenance=True" in drafted(shop(), would_deny(*everything)).text
    assert "maintenance=True" not in drafted(shop(), would_deny(*everything[1:])).text
    covered = shop(purposes={"imports": {"write": [*CATEGORIES]}}, roles=None)
    assert "maintenance=True" not in drafted(covered, would_deny(*everything)).text


def test_a_new_purpose_has_the_name_of_the_route_or_of_the_function_and_its_sites() -> None:
    draft = drafted(
        shop(),
        would_deny("read customers.phone", "delete customers", route="GET /orders/{id}"),
        would_deny("write customers.phone", site="shop/people.py:3 in Book.save"),
        would_deny("read customers.phone", site="shop/people.py:9 in Book.save"),
        would_deny("read customers.phone", site="shop/shipping.py:1 in shipping"),
        would_deny("read customers.phone", site="shop/job.py:1 in <module>"),
    )
    new = {name: one for name, one in draft.policy.purposes.items() if name not in shop().purposes}
    assert set(new) == {"get_orders_id", "save", "shipping_2", "job"}
    assert new["save"].read == new["save"].write == {"phone"}
    assert new["get_orders_id"].delete == {"customers"}
    assert draft.policy.roles["undecided"].purposes == set(new)
    section = draft.text.partition("[purposes.save]")[0].rpartition("\n\n")[2]
    assert "shop/people.py:3 in Book.save" in section
    assert "shop/people.py:9 in Book.save" in section


def test_a_role_that_was_seen_may_act_for_what_it_needs() -> None:
    draft = drafted(shop(), would_deny("read customers.phone", roles=["warehouse"]))
    [proposal] = draft.proposals
    assert draft.policy.roles["warehouse"].purposes == {"shipping", *proposal.purposes}
    assert "undecided" not in draft.policy.roles
    assert "WIDENED. May also act for: listing." in draft.text


def test_a_system_gets_what_its_job_needs() -> None:
    policy = shop(systems={"nightly": {"purposes": ["shipping"]}})
    event = would_deny("read customers.phone", actor="system:nightly", purpose=["shipping"])
    draft = drafted(policy, event)
    assert draft.policy.purposes["shipping"].read == {"name", "phone"}
    assert 'privacy.system("nightly")' in draft.text


def test_a_column_that_is_narrowed_is_opened_by_a_purpose_that_it_names() -> None:
    policy = shop(roles=None)
    narrowed = {"customers.phone": ["shipping"]}
    draft = drafted(policy, would_deny("read customers.phone", "read customers.email", narrowed=narrowed))
    assert "shipping" in draft.proposals[0].purposes
    assert draft.policy.purposes["shipping"].read == {"name", "phone"}


def test_purposes_of_ones_own_rows_do_not_stand_for_the_rows_of_all() -> None:
    policy = shop(purposes={"account": {"use": ["name", "email"], "rows": "own"}}, roles=None)
    seen = would_deny("rows of others", reads=["customers.name"], purpose=["account"])
    draft = drafted(policy, seen)
    [proposal] = draft.proposals
    assert proposal.purposes == ("listing",)
    assert draft.policy.purposes["listing"].read == {"name"}
    assert draft.policy.purposes["account"].rows == "own"


def test_what_no_policy_can_open_is_told_with_its_way_out() -> None:
    draft = drafted(
        shop(),
        would_deny("unreadable"),
        would_deny("sealed customers.email", site="a.py:1 in f"),
        would_deny("read customers.shoe", site="b.py:1 in g"),
        would_deny("rows of others", site="c.py:1 in h", purpose=["account"]),
    )
    assert draft.proposals == ()
    assert sorted(one.partition(": ")[0] for one in draft.unsolved) == [
        "a.py:1 in f",
        "b.py:1 in g",
        "c.py:1 in h",
        "shop/orders.py:7 in listing",
    ]
    assert "privacy.declare" in draft.text
    assert "the policy does not say what customers.shoe holds" in draft.text


def test_nothing_refused_is_the_policy_as_it_stands() -> None:
    draft = drafted(shop(), ("intent", {"decision": "allowed", "reads": ["customers.name"], "categories": HOLDS}))
    assert draft.policy.hash == shop().hash
    assert "Nothing was refused" in draft.text


def test_what_an_emergency_took_is_no_need_of_every_day() -> None:
    draft = drafted(shop(), would_deny("read customers.email", roles=["warehouse"], break_glass=True, ticket="T-1"))
    assert draft.policy.hash == shop().hash


def test_no_text_of_the_log_breaks_out_of_its_comment() -> None:
    evil = 'x.py:1 in f\n[roles.evil]\nmaintenance = true\r\u2028"'
    draft = drafted(
        shop(), would_deny("read customers.phone", site=evil, route='GET /\n[purposes."x"]', roles=["a\n[b]"])
    )
    assert set(draft.policy.roles) >= {"warehouse", "marketing"}
    assert not any(role.maintenance for role in draft.policy.roles.values())


# -- whatever was seen ------------------------------------------------------------------------------------------------

COLUMNS = ["customers.email", "customers.name", "orders.note", "crm.contacts.phone"]
TABLES = ["customers", "orders"]
SITES = st.sampled_from([None, "shop/a.py:1 in f", "shop/a.py:2 in f", "shop/b.py:9 in f", "b.py:1 in <module>", "\n#"])


@st.composite
def seen(draw: st.DrawFn) -> tuple[Policy, list[tuple[str, Said]]]:
    """A policy, and what a gate that observes would have written about some statements under it."""
    policy = Policy(**draw(documents()))
    holds = {name: draw(st.sampled_from([*policy.categories])) for name in COLUMNS}
    some = st.none() | st.sets(st.sampled_from([*policy.purposes]), min_size=1)
    narrowed = {name: only for name in COLUMNS if (only := draw(some)) is not None}
    events: list[tuple[str, Said]] = []
    for _ in range(draw(st.integers(1, 8))):
        purposes, roles, system = draw(_accesses(policy))
        try:
            grant = policy.grant(purposes, roles, system=system) if purposes or roles or system else None
        except AccessDenied:
            continue
        columns = {verb: draw(st.sets(st.sampled_from(COLUMNS), max_size=2)) for verb in ("read", "match", "write")}
        deletes = draw(st.sets(st.sampled_from(TABLES), max_size=1))
        touches = {
            verb: tuple(Touch(n, holds[n], frozenset(narrowed[n]) if n in narrowed else None) for n in sorted(names))
            for verb, names in columns.items()
        }
        decision = decide(
            Request(grant, touches["read"], touches["match"], touches["write"], tuple(sorted(deletes)), policy)
        )
        denials = [f"{denial.verb} {denial.column}" for denial in decision.denials]
        if decision.own and not denials and draw(st.booleans()):
            denials = ["rows of others"]
        events.append(
            (
                draw(st.sampled_from(["intent", "use"])),
                {
                    "actor": None if system is None else f"system:{system}",
                    "purpose": list(grant.purposes) if grant else [],
                    "roles": list(roles),
                    "reads": sorted(columns["read"]),
                    "matches": sorted(columns["match"]),
                    "writes": sorted(columns["write"]),
                    "deletes": sorted(deletes),
                    "decision": "would_deny" if denials else "allowed",
                    "denials": denials,
                    "site": draw(SITES),
                    "route": draw(st.none() | st.sampled_from(["GET /", "GET /orders/{id}", "]\n["])),
                    "categories": holds,
                    "narrowed": {name: sorted(only) for name, only in narrowed.items()},
                },
            )
        )
    return policy, events


def _names(known: Iterable[str]) -> st.SearchStrategy[list[str]]:
    some = [*known]
    return st.lists(st.sampled_from(some), max_size=2, unique=True) if some else st.just([])


def _accesses(policy: Policy) -> st.SearchStrategy[tuple[list[str], list[str], str | None]]:
    own = st.tuples(_names(policy.purposes), _names(policy.roles), st.none())
    jobs = [*policy.systems]
    return own | st.tuples(st.just([]), st.just([]), st.sampled_from(jobs)) if jobs else own


def replayed(draft: Draft, events: list[Event]) -> list[str]:
    """What the draft still refuses of what was seen, each event by itself, at its own place, with what it lacked."""
    wrong = []
    for event in events:
        if event.decision != "would_deny":
            continue
        key = (event.route, event.site, tuple(sorted(event.purpose)), tuple(sorted(event.roles)))
        found = [
            proposal
            for proposal in draft.proposals
            if (proposal.place.route, proposal.place.site, *proposal.use.under[:2]) == key
            and (proposal.use.under.system is None or event.actor == f"system:{proposal.use.under.system}")
        ]
        if not found:
            wrong.append(f"no proposal for {event.denials}")
            continue
        system = found[0].use.under.system
        grant = draft.policy.grant(found[0].purposes, () if system else found[0].roles, system=system)
        for denial in event.denials:
            verb, _, name = denial.partition(" ")
            if denial == "rows of others":
                verbs = (("read", event.reads), ("match", event.matches), ("write", event.writes))
                allowed = not any(
                    grant.own_only(one, event.categories[n], _only(event, n))  # type: ignore[arg-type]
                    for one, names in verbs
                    for n in names
                )
            elif verb == "delete":
                allowed = grant.may_delete(name)
            else:
                allowed = grant.covers(verb, event.categories[name], _only(event, name))  # type: ignore[arg-type]
            if not allowed:
                wrong.append(denial)
    return wrong


def _only(event: Event, name: str) -> frozenset[str] | None:
    only = event.narrowed.get(name)
    return None if only is None else frozenset(only)


@given(seen())
@settings(max_examples=draws(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_was_seen_the_draft_loads_and_refuses_none_of_it(found: tuple[Policy, list[tuple[str, Said]]]) -> None:
    policy, said = found
    events = logged(said)
    draft = draft_policy(policy, read_uses(events, policy))
    assert Policy.loads(draft.text).hash == draft.policy.hash
    for name, before in policy.purposes.items():
        after = draft.policy.purposes[name]
        assert before.read <= after.read
        assert before.match <= after.match
        assert before.write <= after.write
        assert before.delete <= after.delete
        assert (before.rows, before.consent, before.title) == (after.rows, after.consent, after.title)
    for name, role in policy.roles.items():
        assert role.purposes <= draft.policy.roles[name].purposes
    shut = [one for one in draft.unsolved if "narrowed to purposes of one's own rows" in one]
    if not shut:
        assert replayed(draft, events) == []


def test_an_event_is_replayed_by_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """That :func:`replayed` can fail at all."""
    events = logged([would_deny("read customers.phone", roles=["warehouse"])])
    draft = draft_policy(shop(), read_uses(events, shop()))
    assert replayed(draft, events) == []
    before = Draft(draft.text, shop(), draft.proposals, ())
    with pytest.raises(AccessDenied):
        replayed(before, events)
