"""Who asked to be forgotten: whether a text tells of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from unicodedata import normalize

from o2o.core.codes import Customer
from o2o.core.till_text import till_text

_BEFORE_ADDRESS = r"(?<![\w.!#$%&'*+/=?^`{|}~-])"
_AFTER_ADDRESS = r"(?![\w-]|\.\w)"


@dataclass(frozen=True)
class Person:
    """A customer's names and e-mail addresses, as far as they are known. In no ``repr``."""

    names: frozenset[str] = field(default=frozenset(), repr=False)
    emails: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, customer: Customer | None, email: str | None = None) -> "Person":
        """The customer of a code, who may be forgotten there, and the address that was given."""
        names = (customer.name, till_text(customer.name)) if customer else ()
        emails = (email, customer.email if customer else None)
        return cls(_folded(names), _folded(each for each in emails if each))

    @classmethod
    def called(cls, *texts: str) -> "Person":
        """Somebody of whom these are names or addresses."""
        return cls(_folded(texts))

    def __or__(self, other: "Person") -> "Person":
        """All that is known of the two as one."""
        return Person(self.names | other.names, self.emails | other.emails)

    def is_in(self, text: str) -> bool:
        """Whether a text holds a name or an address of theirs, as words of its own."""
        return self._pattern is not None and self._pattern.search(_fold(text)) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        names = [rf"(?<!\w){re.escape(each)}(?!\w)" for each in sorted(self.names)]
        emails = [
            f"{_BEFORE_ADDRESS}{re.escape(each)}{_AFTER_ADDRESS}" for each in sorted(self.emails)
        ]
        return re.compile("|".join(names + emails)) if names or emails else None


def _folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(folded for text in texts if (folded := _fold(text)))


def _fold(text: str) -> str:
    """A text in one spelling, whatever its capitals, its spaces and its form in Unicode."""
    return " ".join(normalize("NFKC", text).casefold().split())
