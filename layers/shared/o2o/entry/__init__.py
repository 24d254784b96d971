"""Where events come in: HTTP models, settings, wiring."""
