"""The rules. Pure: no network, no clock, no environment."""
