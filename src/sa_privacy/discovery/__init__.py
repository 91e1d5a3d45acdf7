"""Which columns look personal, and what to say of them.

``scanning`` judges columns by evidence (``evidence`` says how it adds up): of their names (``names``, with the words of
``words`` and ``words_ja``), their types (``types``) and of samples of their values (``values``, ``checks``). ``owners``
says whose rows are. ``patching`` writes what was found into models and policy, as a diff. ``decided`` is about columns of
which nobody has said anything.
"""
