"""Online work on several application processes: ``world.py`` is the application, ``process.py`` one process of it, ``__main__``
measures 1 to 8 of them.
"""
