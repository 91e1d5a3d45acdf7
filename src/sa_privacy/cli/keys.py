"""``sa-privacy keys``: a keyring file made, rotated, wrapped, and compared with what the database holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.cli.census import Census, take_census
from sa_privacy.cli.database import connecting
from sa_privacy.cli.keyadvice import advise
from sa_privacy.cli.keyreport import as_json, show, wrapped
from sa_privacy.cli.models import load_models
from sa_privacy.cli.options import JsonOption, PolicyOption, ServiceOption
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.crypto import KEYS_IN_THE_CLEAR, Keyring, LocalKey, key_name
from sa_privacy.privacy import Privacy

__all__ = ["app"]

app = typer.Typer(name="keys", help="The keyring file: keys made, rotated, wrapped, counted.", no_args_is_help=True)

PathArgument = Annotated[Path, typer.Argument(help="The keyring file.", metavar="PATH", show_default=False)]
IdArgument = Annotated[str, typer.Argument(help="A key id, 8 hexadecimal digits.", metavar="ID", show_default=False)]
PolicyIdOption = Annotated[
    str | None, typer.Option(help="The id of the policy that the keys are wrapped for.", metavar="ID")
]
UrlOption = Annotated[
    str | None, typer.Option(help="The database whose cells are counted.", metavar="URL", envvar="SA_PRIVACY_URL")
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="The models: a declarative base or MetaData. Repeatable.",
        metavar="MODULE:BASE",
        envvar="SA_PRIVACY_MODELS",
        show_default=False,
    ),
]

_NEXT = {
    "rotate": "Hand the file to every process before any of them seals; then reseal, and retire the old key.",
    "add": "Hand the file to every process; then sa-privacy keys promote.",
    "promote": "Hand the file to every process; reseal, and retire the old key.",
    "rotate-lookup": "Hand the file to every process, reseal every row (sa-privacy reseal), then switch-lookup.",
    "switch-lookup": "Hand the file to every process; then end-lookup.",
    "end-lookup": "Hand the file to every process. The old key may go once no slot names it: sa-privacy keys status.",
}


@app.command()
def new(path: PathArgument, *, service: ServiceOption = None, policy_id: PolicyIdOption = None) -> None:
    """Make a keyring file with one random key. Back it up: without it nobody opens what is sealed."""
    with telling():
        if path.exists():
            fail(f"{path} is there already.", "a keyring is never replaced: choose another name, or rotate.")
        if (service is None) != (policy_id is None):
            fail("a ring is wrapped by a service for a policy.", "give both --service and --policy-id, or neither.")
        ring = Keyring.generate()
        ring.save(path, service=find_service(service), policy_id=policy_id)
    say(f"{path}: key {key_name(ring.primary_id)}{wrapped(ring)}. Back it up.")


@app.command()
def new_wrapping_key(path: PathArgument) -> None:
    """Make a file with a random wrapping key, for --service file:PATH. Keep it apart from the keyring."""
    with telling():
        LocalKey.generate_file(path)
    say(f"{path}: a wrapping key. Back it up, and keep it apart from the keyring.")


@app.command()
def rotate(path: PathArgument, *, service: ServiceOption = None) -> None:
    """Add a key and seal new cells under it. Where several processes seal, use add and promote."""
    with telling():
        ring = _load(path, service)
        key_id = ring.rotate()
        ring.save(path)
    _done(ring, "rotate", f"{path}: new cells are sealed under key {key_name(key_id)}")


@app.command()
def add(path: PathArgument, *, service: ServiceOption = None) -> None:
    """Add a key that opens cells and seals none yet: the first half of rotate."""
    with telling():
        ring = _load(path, service)
        key_id = ring.add_key()
        ring.save(path)
    _done(ring, "add", f"{path}: key {key_name(key_id)}, sealing nothing yet")


@app.command()
def promote(path: PathArgument, key: IdArgument, *, service: ServiceOption = None) -> None:
    """Seal new cells under a key of the ring: the second half of rotate."""
    with telling():
        ring = _load(path, service)
        ring.promote(_key_id(key))
        ring.save(path)
    _done(ring, "promote", f"{path}: new cells are sealed under key {key_name(ring.primary_id)}")


@app.command()
def rotate_lookup(path: PathArgument, *, service: ServiceOption = None) -> None:
    """Begin a new lookup key: new cells get its digest beside the old one, searches stay with the old one."""
    with telling():
        ring = _load(path, service)
        key_id = ring.rotate_lookup()
        ring.save(path)
    _done(ring, "rotate-lookup", f"{path}: new cells have a digest of key {key_name(key_id)} too")


@app.command()
def switch_lookup(
    path: PathArgument,
    *,
    url: UrlOption = None,
    models: ModelsOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    uncounted: Annotated[
        bool, typer.Option("--uncounted", help="Without looking whether every row has the new digest.")
    ] = False,
    service: ServiceOption = None,
) -> None:
    """Search by the new lookup key. Only once every row has its digest: rows without one are not found any more."""
    with telling():
        if url is None and not uncounted:
            fail("which database says that every row has the new digest?", "give --url and --models; or --uncounted.")
        ring = _load(path, service)
        ring.switch_lookup()
        searched = next(key.id for key in ring.keys if key.search)
        if url is not None and (left := _census(url, models, policy).without_digest(searched)):
            fail(f"{left:,} searchable cells have no digest of key {key_name(searched)}.", "reseal them first.")
        ring.save(path)
    _done(ring, "switch-lookup", f"{path}: searches use the new lookup key")


@app.command()
def end_lookup(path: PathArgument, *, service: ServiceOption = None) -> None:
    """Leave the old lookup key's slot empty from now on."""
    with telling():
        ring = _load(path, service)
        ring.end_lookup()
        ring.save(path)
    _done(ring, "end-lookup", f"{path}: new cells have the new digest only")


@app.command()
def retire(
    path: PathArgument,
    key: IdArgument,
    *,
    url: UrlOption = None,
    models: ModelsOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    uncounted: Annotated[
        bool, typer.Option("--uncounted", help="Without looking whether cells still need it.")
    ] = False,
    service: ServiceOption = None,
) -> None:
    """Let go of a key that no cell of the database names any more. Cells in backups need it still."""
    with telling():
        ring, key_id = _load(path, service), _key_id(key)
        if url is None and not uncounted:
            fail("which database says that no cell needs it?", "give --url and --models; or --uncounted, if you know.")
        census = Census(()) if url is None else _census(url, models, policy)
        if left := census.by_field["keys of people", key_id]:
            fail(
                f"{left:,} keys of people are wrapped by key {key_name(key_id)}.",
                "sa-privacy reseal --subject-keys first.",
            )
        if left := census.by_key[key_id]:
            fail(f"{left:,} cells are sealed under key {key_name(key_id)}.", "reseal them first.")
        if left := census.by_slot[key_id]:
            fail(f"{left:,} cells have a lookup digest of key {key_name(key_id)}.", "reseal them first.")
        ring.retire(key_id)
        ring.save(path)
    say(f"{path}: without key {key_name(key_id)}. A backup of the database from before needs a backup of this file.")


@app.command()
def wrap(
    path: PathArgument,
    *,
    service: ServiceOption = None,
    policy_id: PolicyIdOption = None,
    was: Annotated[
        str | None, typer.Option(help="Who wraps the keys now, where somebody does.", metavar="SERVICE")
    ] = None,
) -> None:
    """Have the keys wrapped by a key service, or by another one than now."""
    with telling():
        wrapper = find_service(service)
        if wrapper is None:
            fail("by which service?", "give --service, and --policy-id where the keys were not wrapped before.")
        ring = _load(path, was)
        if policy_id is None and ring.wrapped_by is None:
            fail("for which policy?", "give --policy-id, the id of the policy document.")
        ring.save(path, service=wrapper, policy_id=policy_id)
    say(f"{path}:{wrapped(ring).removeprefix(',')}. Backups from before hold the keys as they were: delete them.")


@app.command()
def unwrap(
    path: PathArgument,
    *,
    service: ServiceOption = None,
    in_the_clear: Annotated[bool, typer.Option("--in-the-clear", help="Say that this is meant.")] = False,
) -> None:
    """Save the keys in the clear again, readable for whoever reads the file."""
    with telling():
        if not in_the_clear:
            fail("the keys would stand in the file in the clear.", "say --in-the-clear if that is meant.")
        ring = _load(path, service)
        ring.save(path, in_the_clear=KEYS_IN_THE_CLEAR)
    say(f"{path}: in the clear.")


@app.command()
def status(
    path: PathArgument,
    *,
    url: UrlOption = None,
    models: ModelsOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    service: ServiceOption = None,
    json: JsonOption = False,
) -> None:
    """Show the keys; with a database, how many cells each has by field, and which keys may go.

    Exit status 1 where a key must be rotated, or cells name keys that the ring does not hold. Changes nothing.
    """
    with telling():
        ring = _load(path, service)
        census = None if url is None else _census(url, models, policy)
    advice = advise(ring.keys, ring.lookup_phase, census)
    if json:
        print_json(as_json(ring, census, advice))
    else:
        show(ring, census, advice)
    if advice.wrong:
        raise typer.Exit(FOUND)


def _load(path: Path, service: str | None) -> Keyring:
    return Keyring.load(path, service=find_service(service))


def _key_id(said: str) -> int:
    if len(said) != len(key_name(0)) or not set(said) <= set("0123456789abcdef"):
        fail("a key id is 8 lower-case hexadecimal digits.", "sa-privacy keys status lists them.")
    return int(said, 16)


def _done(ring: Keyring, step: str, what: str) -> None:
    say(f"{what}{wrapped(ring)}.")
    say(_NEXT[step])


def _census(url: str, models: list[str] | None, policy: Path) -> Census:
    if not models:
        fail("which columns are sealed?", "give --models package.module:Base.")
    metadata = load_models(models)
    privacy = closing(Privacy(policy, log=None, metadata=metadata))
    with privacy as looking, connecting(url) as engine, engine.connect() as connection:
        return take_census(connection, looking.catalogue)
