"""Retention: how long rows are kept, as the policy says it.

``conditions`` makes SQL of a schedule: whose time is over, what keeps a row longer, what holds it back.
"""
