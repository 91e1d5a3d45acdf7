"""Keys that the application holds otherwise than the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer
from sqlalchemy.types import TypeDecorator

__all__ = ["Prefixed"]


class Prefixed(TypeDecorator[str]):
    """``"cus_7"`` in the application, 7 in the database."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value.removeprefix("cus_"))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else f"cus_{value}"
