"""What a user's type checker says of models with personal columns."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MODELS = Path(__file__).with_name("user_models.py")
# Faults inside the package are not shown, as is the case for an installed one.
SETTINGS = f"""
[mypy]
mypy_path = {REPOSITORY / "src"}
[mypy-sa_privacy.*]
follow_imports = silent
"""


def test_models_with_personal_columns_pass_mypy_strict(tmp_path: Path) -> None:
    """In a user's own settings, not ours; strict includes that every `type: ignore` in the file is needed."""
    copy = tmp_path / MODELS.name
    copy.write_text(MODELS.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(SETTINGS, encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=mypy.ini", "--cache-dir=cache", copy.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_says_that_it_is_typed() -> None:
    assert files("sa_privacy").joinpath("py.typed").is_file()
