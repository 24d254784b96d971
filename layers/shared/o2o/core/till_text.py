"""People's text, as a till can show it."""

import unicodedata

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("™℠", " "),
        # Between the parts of one half.
        "\u2044": "/",
    }
)
"""What word processors and phones make of plain characters."""

_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks by their category, and nothing to see."""

_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def till_text(text: str) -> str:
    """What is left of a text for a till: letters, digits, punctuation, single spaces.

    What somebody copied from a chat, a web page or a word processor brings things that no till
    has a glyph for: emoji, directions, joiners, styled letters, line ends. May be empty.
    """
    plain = _compose(text.translate(_PLAIN)).translate(_PLAIN)
    # Again, because what was apart may compose once the characters between are gone.
    return " ".join(_compose("".join(map(_at_till, plain))).split())


def bare(text: str) -> str:
    """A text without what is invisible in it, or blank at its ends."""
    return "".join(each for each in text if not _is_invisible(each)).strip()


def _compose(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _at_till(character: str) -> str:
    category = unicodedata.category(character)
    if character.isascii() and character.isprintable():
        return character
    if _is_invisible(character):
        return ""
    if category[0] in "LNP" or category in ("Mn", "Mc"):
        return character
    return " "


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) == "Cf"
        or character in _BLANK_LETTERS
        or any(ord(character) in selectors for selectors in _VARIATION_SELECTORS)
    )
