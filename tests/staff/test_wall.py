"""Behind a wall the question is asked, and a login counted, as anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, LoginRefused, NotGranted, NotPledged, Privacy
from sa_privacy.walls import Login
from tests.staff import world
from tests.staff.test_accounts import account, log_in
from tests.staff.world import Office
from tests.support.databases import Database
from tests.walls.owner import dropped, raised


@pytest.fixture
def walled(office: Office, database: Database, engine: Engine, tmp_path: Path) -> Iterator[Office]:
    office.privacy.uninstall(engine)
    privacy = Privacy(world.policy(), keys=world.KEYS, log=AccessLog.open(tmp_path / "w"), metadata=world.Base)
    url = database.url
    if database.backend == "postgresql":
        login = Login("office_web", roles=tuple(privacy.policy.roles), desk=True)
        raised(engine, privacy.policy, privacy.catalogue, world.Base.metadata, [login])
        url = url.set(username="office_web")
    behind = create_engine(url)
    privacy.install(behind, walls=True)
    yield Office(behind, privacy)
    behind.dispose()
    privacy.close()
    if database.backend == "postgresql":
        dropped(engine)


def test_all_of_it_behind_a_wall(walled: Office) -> None:
    with pytest.raises(NotGranted):
        walled.names("staff:2")
    walled.grant("staff:2", "support")
    assert walled.names("staff:2") == ["Ann", "Bo"]
    walled.revoke("staff:2", "support")
    with pytest.raises(NotGranted):
        walled.names("staff:2")
    with pytest.raises(NotPledged):
        walled.names("staff:2", "warehouse", "shipping")
    walled.sign("staff:2")
    assert walled.names("staff:2", "warehouse", "shipping") == ["Ann", "Bo"]
    actor = account(walled)
    for _ in range(6):
        with pytest.raises(LoginRefused):
            log_in(walled, password="wrong")
    with walled.officer(), Session(walled.engine) as session:
        walled.privacy.staff.unlock(session, actor)
        assert walled.privacy.staff.report(session).holdings
        session.commit()
    assert log_in(walled) == actor
