"""Drills: what a person on call must be able to do, done on a temporary local stack.

Each module is one drill; ``frame`` is what they share.
"""
