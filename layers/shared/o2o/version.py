"""The version of O2O. It stands here and nowhere else; CONTRIBUTING.md says how to release one."""

VERSION = "0.1.0"
