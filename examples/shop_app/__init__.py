"""A shop that keeps its published privacy policy.

Read ``models.py`` (what the shop stores), then ``privacy.toml`` (what for, and who), then ``demo/`` (what happens).
``python -m examples.shop_app demo`` shows it in the terminal; ``web/`` is the same shop as a web application.
"""
