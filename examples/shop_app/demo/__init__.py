"""The walk through the shop, in the terminal: each file here is one or two of its chapters.

``stage.py`` sets up the shop from nothing and knows how to print; ``walk.py`` tells the order of the chapters.
"""

from __future__ import annotations

from examples.shop_app.demo.walk import tour

__all__ = ["tour"]
