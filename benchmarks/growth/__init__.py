"""What grows with the work, and what must not: each module takes one thing that grows and gives curves."""
