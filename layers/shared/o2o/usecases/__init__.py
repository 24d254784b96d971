"""What the system does, one module a use case, against ports."""
