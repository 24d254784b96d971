"""The control API: what a till, a Back Office and a test do to the simulator.

``docs/simulator.md`` describes it. Errors are ``{"error": "a sentence"}``.
"""
