"""The language of a page: Indonesian or English."""

import re
from collections.abc import Iterable

from o2o.core.how_to_pay import Language

# Whoever reads these reads Indonesian with more ease than English; codes in their present form,
# in the one that old phones write ("in", "jw"), and with three letters.
_READS_INDONESIAN = frozenset(
    (
        *("id", "in", "ind"),
        *("ms", "may", "msa", "zsm"),
        *("jv", "jw", "jav", "su", "sun"),
        *("ace", "ban", "bbc", "bew", "bjn", "bug", "gor", "mad", "mak", "min", "nij", "sas"),
    )
)
_READS_ENGLISH = frozenset(("en", "eng"))

_TAG = re.compile(r"([a-z]{2,8})((?:[-_][a-z0-9]+)*)", re.ASCII)
_REGION_IS_INDONESIA = re.compile(
    r"(?:[-_][a-z]{3}){0,3}(?:[-_][a-z]{4})?[-_]id(?![a-z0-9])", re.ASCII
)
_WEIGHT = re.compile(r"(?:1(?:\.0*)?|0?\.[0-9]+|0\.?)", re.ASCII)


def choose_language(asked: str | None, accepted: str) -> Language:
    """The language of ``?lang=``, else the best of ``Accept-Language``, else Indonesian.

    ``asked`` may be several with commas. What is malformed counts for nothing (decision 0048).
    """
    for each in (asked or "").split(","):
        language = _read(each.strip(" ./"))
        if language is not None:
            return language
    weights = _weigh(accepted)
    best = max(weights, key=weights.__getitem__, default=Language.INDONESIAN)
    return best if weights.get(best) else Language.INDONESIAN


def _weigh(accepted: str) -> dict[Language, float]:
    """How welcome each language is; of several tags for one the highest counts."""
    weights: dict[Language, float] = {}
    others = 0.0
    for each in accepted.split(","):
        tag, *parameters = each.split(";")
        weight = _weight(parameters)
        language = _read(tag.strip())
        if tag.strip() == "*":
            others = max(others, weight)
        elif language is not None:
            weights[language] = max(weights.get(language, 0.0), weight)
    if others:
        for language in Language:
            weights.setdefault(language, others)
    return weights


def _read(tag: str) -> Language | None:
    form = _TAG.fullmatch(tag.lower())
    if form is None:
        return None
    if form[1] in _READS_ENGLISH:
        return Language.ENGLISH
    if form[1] in _READS_INDONESIAN or _REGION_IS_INDONESIA.match(form[2]):
        return Language.INDONESIAN
    return None


def _weight(parameters: Iterable[str]) -> float:
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip().lower() == "q":
            # What float() takes for blank is not all that strip() does.
            weight = value.strip()
            return float(weight) if _WEIGHT.fullmatch(weight) else 0.0
    return 1.0
