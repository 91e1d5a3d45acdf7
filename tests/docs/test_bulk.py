"""The page about bulk work: what it has workers make is what they need, and its job seals."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from sa_privacy import Keyring, Privacy
from sa_privacy.executors import Processes
from sa_privacy.jobs import seal
from sa_privacy.policy.writing import as_sections, as_toml
from tests.jobs.world import POLICY, Base, fill, maintaining, raw

PAGE = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text(encoding="utf-8")
MAKE, JOB = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def made() -> tuple[Engine, Privacy]:
    """As the page has it, in the directory where a worker is."""
    names: dict[str, Any] = {"Privacy": Privacy, "Keyring": Keyring, "Base": Base, "create_engine": create_engine}
    exec(MAKE, names)
    found: tuple[Engine, Privacy] = names["make"]()
    return found


def test_its_job_seals_in_processes_that_make_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys, engine = Keyring.generate(), create_engine("sqlite:///shop.db")
    keys.save("keys.json")
    Path("privacy.toml").write_text(as_toml(as_sections(POLICY)))
    fill(engine, 5)
    with maintaining(keys) as privacy:
        names: dict[str, Any] = {
            "privacy": privacy,
            "engine": engine,
            "seal": seal,
            "Processes": partial(Processes, prepare=partial(os.chdir, tmp_path)),
            "work": SimpleNamespace(make=made),
        }
        exec(JOB, names)
        assert names["report"].complete
    assert all(isinstance(name, bytes) for (name,) in raw(engine, "name") if name is not None)
    engine.dispose()
