"""The application brings its own tests, which `test_club.py` runs."""

collect_ignore = ["club"]
