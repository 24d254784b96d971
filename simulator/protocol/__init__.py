"""DOKU's side of the protocol, as docs/doku-protocol.md describes it."""
