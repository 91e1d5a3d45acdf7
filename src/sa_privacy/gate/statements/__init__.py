"""One statement: what the gate knows of its shape, what becomes of it while it is compiled, and what is written down of it."""
