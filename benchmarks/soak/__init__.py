"""A shop under mixed load for as long as one likes, while what it stands on fails: ``python -m benchmarks.soak --minutes 20``.

Everything is on: gate, wall, log, sealing under a keyring that a key service wraps, people's own keys, consent, requests,
erasure, retention, shipping. Several processes use it at once, of threads and of tasks of asyncio. Connections are cut,
the server is stopped, the log's disk is full, the key service is away, processes are killed; keys rotate meanwhile.

Each process tells what it means to do and how that ended (``journal.py``), apart from the library, down a pipe that outlives
it. The judge (``judge.py``) compares that, at the end, with the database, the log and its shipped copy.

``models.py`` is the shop and its policy, ``place.py`` makes it; ``service.py`` is the key service; ``worker.py`` is one process,
``shop.py`` what customers and staff do in it, ``office.py`` the privacy officer; ``believing.py`` what a row may hold;
``plain.py`` the same without the library; ``faults.py`` breaks things, ``rotating.py`` renews the keys, ``watching.py`` looks at memory.
"""
