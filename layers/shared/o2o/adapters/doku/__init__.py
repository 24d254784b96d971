"""DOKU's Online-to-Offline protocol."""
