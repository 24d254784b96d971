"""Refresh a payment code: ask DOKU about it now, because its storefront wants to know."""

from dataclasses import dataclass

from o2o.core.codes import Status
from o2o.usecases.owned_code import owned_code
from o2o.usecases.ports import CodeStore, TimeLeft
from o2o.usecases.reconcile import Finding, Reconcile, Reconciled


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshCode:
    """The use case. DOKU is not asked about a code that is paid."""

    codes: CodeStore
    reconcile: Reconcile

    def __call__(self, storefront_id: str, order_number: str, *, time_left: TimeLeft) -> Reconciled:
        """What was found. Raises NotFound."""
        code = owned_code(self.codes, storefront_id, order_number)
        if code.status is Status.PAID:
            return Reconciled(Finding.UNCHANGED, code)
        return self.reconcile(code, time_left=time_left)
