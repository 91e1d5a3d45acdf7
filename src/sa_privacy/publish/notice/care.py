"""How data is looked after: who may do what, how it is stored, how long it is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sa_privacy.policy import Role, Schedule
from sa_privacy.publish.notice.composing import Composer, each, wanted
from sa_privacy.publish.notice.said import Row, Said, Section

__all__ = ["care", "kept", "retention"]


def care(made: Composer) -> Section | None:
    """Roles and their rules, jobs, pledges, encryption, the log."""
    policy, say = made.policy, made.say
    staff = [one for one in policy.roles.values() if _is_staff(made, one)]
    pledges = dict.fromkeys(one.pledge for one in policy.roles.values() if one.pledge is not None)
    keep = policy.log.keep
    return made.section(
        "care",
        made.points(made.said("roles_lead", "roles") if staff else None),
        made.grid("care", ("role", "acts_for", "rules"), (_role(made, one) for one in staff)),
        made.points(
            *(
                made.said(
                    "system",
                    f"systems.{name}",
                    *each("purposes", one.purposes),
                    system=say.words(one.title),
                    purposes=say.purposes(one.purposes),
                )
                for name, one in policy.systems.items()
            ),
            *(
                made.said(
                    "pledge_text",
                    f"wordings.{name}",
                    *(f"roles.{one.name}.pledge" for one in policy.roles.values() if one.pledge == name),
                    pledge=made.wording(name),
                    text=say.words(policy.wordings[name].text),
                )
                for name in pledges
            ),
            *_stored(made),
            None if keep is None else made.said("log", "log.keep", period=say.period(keep)),
        ),
    )


def _is_staff(made: Composer, one: Role) -> bool:
    """Whether it is more than people who see to their own data, or nobody knows yet."""
    if one.anonymous:
        return False
    own = one.purposes and all(made.policy.purposes[name].rows == "own" for name in one.purposes)
    return not own or bool(one.maintenance or one.break_glass or one.granted or one.disclose or one.grants)


def _role(made: Composer, one: Role) -> Row:
    of = f"roles.{one.name}"
    purposes = made.say.purposes(one.purposes)
    acts = Said(purposes, (f"{of}.purposes", *each("purposes", one.purposes))) if purposes else None
    return Row(Said(made.say.role(one.name), (of,)), (wanted(acts), tuple(_rules(made, one))))


def _rules(made: Composer, one: Role) -> Iterator[Said]:
    of, say, policy = f"roles.{one.name}", made.say, made.policy
    if one.granted:
        yield made.said("granted", f"{of}.granted")
    if one.pledge is not None:
        valid_for = policy.wordings[one.pledge].valid_for
        parts: tuple[str, ...] = (f"{of}.pledge", f"wordings.{one.pledge}")
        pledge = made.wording(one.pledge)
        if valid_for is None:
            yield made.said("pledge", *parts, pledge=pledge)
        else:
            again = f"wordings.{one.pledge}.valid_for"
            yield made.said("pledge_again", *parts, again, pledge=pledge, period=say.period(valid_for))
    if one.break_glass:
        time = say.seconds(one.break_glass_for)
        parts = (f"{of}.break_glass", f"{of}.break_glass_for", *each("purposes", one.break_glass))
        yield made.said("break_glass", *parts, time=time, purposes=say.purposes(one.break_glass))
    if one.maintenance:
        yield made.said("maintenance", f"{of}.maintenance")
    if one.grants:
        yield made.said("grants", f"{of}.grants", *each("roles", one.grants), roles=say.roles(one.grants))
    if one.disclose:
        parts = (f"{of}.disclose", *each("recipients", one.disclose))
        yield made.said("disclose", *parts, recipients=say.recipients(one.disclose))
    desks = (
        ("consents", policy.consents, "enters"),
        ("requests", policy.requests, "deals"),
        ("erasure", policy.erasure, "erases"),
    )
    for section, rules, phrase in desks:
        if rules is not None and one.name in rules.roles:
            yield made.said(phrase, f"{section}.roles")


def _stored(made: Composer) -> Iterator[Said]:
    """What the models say of how it is stored."""
    held = {name: [one for one in made.columns if one.category == name] for name in made.policy.categories}
    sealed = [name for name, columns in held.items() if columns and all(one.sealed for one in columns)]
    partly = [name for name, columns in held.items() if name not in sealed and any(one.sealed for one in columns)]
    subject = [name for name, columns in held.items() if columns and all(one.by_subject for one in columns)]
    for phrase, names in (("sealed", sealed), ("sealed_partly", partly), ("by_subject", subject)):
        if names:
            of = [f"columns.{one.name}" for name in names for one in held[name]]
            yield made.said(phrase, *of, *each("categories", names), data=made.say.categories(names))


def retention(made: Composer) -> Section | None:
    """How long each thing is kept, what happens then, and what keeps it longer."""
    schedules = made.policy.retention.values()
    if not schedules:
        return None
    rows = [_schedule(made, one) for one in schedules]
    return made.section(
        "retention",
        made.points(made.said("retention_lead", "retention")),
        made.grid("retention", ("what", "how_long", "then", "longer"), rows),
    )


def kept(made: Composer, one: Schedule) -> tuple[Said, Said]:
    """How long a schedule keeps its data, and what happens then."""
    of, say = f"retention.{one.name}", made.say
    clock = made.policy.clocks.get(one.clock)
    since = say.words(clock.title) if clock else say.words(one.since) or one.clock.replace("_", " ")
    clocked = (f"clocks.{one.clock}",) if clock else (f"{of}.since",) if one.since else (f"{of}.clock",)
    return made.said("since", f"{of}.period", *clocked, period=say.period(one.period), since=since), _end(made, one)


def _schedule(made: Composer, one: Schedule) -> Row:
    of, say = f"retention.{one.name}", made.say
    how_long, then = kept(made, one)
    titled = any(words != one.name for words in one.title.values())
    by_category = one.category is not None and not titled
    title = say.category(one.category) if by_category and one.category else say.words(one.title)
    return Row(
        Said(title, (of, *([f"categories.{one.category}"] if by_category else []))),
        ((how_long,), (then,), tuple(_longer(made, one))),
        one.clause,
    )


def _end(made: Composer, one: Schedule) -> Said:
    of = f"retention.{one.name}"
    emptied = _categories(made, one)
    if one.action == "anonymise" and emptied:
        columns = () if one.columns is None else (f"{of}.columns",)
        return made.said(
            "anonymise_data",
            f"{of}.action",
            *columns,
            *each("categories", emptied),
            data=made.say.categories(emptied),
        )
    return made.said(one.action, f"{of}.action")


def _categories(made: Composer, one: Schedule) -> Collection[str]:
    """What is emptied, as far as the models tell."""
    if one.category is not None:
        return (one.category,)
    if one.columns is None:
        return ()
    names = {f"{one.table}.{column}" for column in one.columns}
    found = [column.category for column in made.columns if column.name in names]
    return found if len(found) == len(names) else ()


def _longer(made: Composer, one: Schedule) -> Iterator[Said]:
    of, say = f"retention.{one.name}", made.say
    for name, guard in one.guards.items():
        title, ends = say.words(guard.title), say.words(guard.ends)
        phrase = "guard_ends" if ends else "guard"
        yield made.said(phrase, f"{of}.guards.{name}", title=title, ends=ends)
    for name, reason in one.reasons.items():
        yield made.said(
            "reason",
            f"{of}.reasons.{name}",
            title=say.words(reason.title),
            period=say.period(reason.period),
            law=say.words({"": reason.law}),
        )
    if one.reasons:
        yield made.said(f"meanwhile_{one.meanwhile}", f"{of}.reasons", f"{of}.meanwhile")
