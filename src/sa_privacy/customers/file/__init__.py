"""The file of a person: all that is kept about them, what for, whom it was given to, who used it.

``rows`` reads it, ``uses`` counts the access log, ``records`` asks the ledgers, ``page`` shows it in ``words`` of two languages.
``files`` joins them.
"""
