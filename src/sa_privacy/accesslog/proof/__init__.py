"""Proving that nothing was changed, and letting go of what is old without losing the proof.

``chain.py`` holds the lines of one segment, ``linking.py`` the segments of a writer. ``checkpoint.py`` is one signed
statement about all writers, ``checkpoints.py`` makes them, ``places.py`` is where they lie, ``vouched.py`` what they say
together. ``snapshot.py`` says what there is of a log in use, ``verify.py`` holds that against the rest; ``keeping.py``
compresses and removes.
"""
