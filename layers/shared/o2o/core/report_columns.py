"""Columns of ours in DOKU's settlement report (DOKU protocol, section 10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from o2o.core.bins import Bin
from o2o.core.channels import Partnership
from o2o.core.codes import PaymentCode
from o2o.core.errors import InvalidConfiguration

MAX_KEY = 64
"""Characters of a column's key."""


class ReportFact(StrEnum):
    """What a column can say of a code. Nothing personal is among it."""

    STOREFRONT = "storefront"
    """The storefront's id."""
    INVOICE_NUMBER = "invoice_number"
    """The storefront's own invoice number, without the namespace that DOKU's order number has."""


@dataclass(frozen=True, slots=True)
class ReportColumns:
    """Which facts DOKU's report has, each with the key of its column; by default none.

    Raises InvalidConfiguration for a key that can't be one, or that two facts have.
    """

    keys: Mapping[ReportFact, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fact, key in self.keys.items():
            if not (key.isprintable() and key.strip() == key and 1 <= len(key) <= MAX_KEY):
                raise InvalidConfiguration(
                    f"{fact}: a key must be 1 to {MAX_KEY} printable characters, without spaces at"
                    " either end"
                )
        if len(set(self.keys.values())) < len(self.keys):
            raise InvalidConfiguration("two columns have the same key")

    def of(self, code: PaymentCode, its_bin: Bin) -> dict[str, str]:
        """A code's columns, by their keys; none if its money doesn't come from DOKU.

        Of a direct BIN the acquirer settles, and DOKU has no report (decision 0103).
        """
        if its_bin.partnership is not Partnership.AGGREGATOR:
            return {}
        said = {
            ReportFact.STOREFRONT: code.storefront_id,
            ReportFact.INVOICE_NUMBER: code.invoice_number,
        }
        return {key: said[fact] for fact, key in self.keys.items()}
