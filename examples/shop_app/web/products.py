"""What the shop sells."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["PRODUCTS", "Product"]


class Product(NamedTuple):
    """:param price: in yen."""

    name: str
    title: dict[str, str]
    price: int


PRODUCTS: Final = {
    name: Product(name, {"en": en, "ja": ja}, price)
    for name, en, ja, price in (
        ("shirt", "cotton shirt", "木綿のシャツ", 4_900),
        ("towel", "linen towel", "麻の手ぬぐい", 1_200),
        ("cup", "tea cup", "湯呑み", 2_400),
        ("cover", "book cover", "文庫カバー", 3_100),
        ("umbrella", "umbrella", "雨傘", 5_800),
    )
}
