"""The shop on the web: FastAPI and Jinja2, as any application would use them.

``sign_in.py``, ``customers.py``, ``desks.py`` and ``officer.py`` hold the pages, by who uses them; ``app.py`` puts them together,
and says for which purpose each desk acts. No page chooses which fields of a customer are shown: all print the same card, and
the library decides.

``make shop`` starts it, or ``python -m examples.shop_app.web``; see docs/shop.md.
"""
