"""What the pages say, in one file for each language."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

__all__ = ["LANGUAGES", "TEXTS", "Texts"]

LANGUAGES: Final = ("en", "ja")


class Texts:
    """The texts of one language: ``t("customers.orders", n=3)``."""

    def __init__(self, language: str) -> None:
        self.language = language
        document = tomllib.loads((Path(__file__).parent / "texts" / f"{language}.toml").read_text("utf-8"))
        self.all = dict(_flat(document))

    def __call__(self, key: str, **values: object) -> str:
        said = self.all[key]
        return said.format(**values) if values else said


def _flat(table: dict[str, Any], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return found


TEXTS: Final = {language: Texts(language) for language in LANGUAGES}
