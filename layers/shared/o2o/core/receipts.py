"""Receipt numbers, stores and brands, in a form in which they can be compared."""

_PLACEHOLDERS = {"na", "n/a", "null", "none", "nil", "undefined"}


def comparable(text: str | None) -> str | None:
    """A receipt, store or brand without case and leading zeros; None if it identifies nothing."""
    found = (text or "").strip().casefold().lstrip("0")
    if found in _PLACEHOLDERS or not any(character.isalnum() for character in found):
        return None
    return found
