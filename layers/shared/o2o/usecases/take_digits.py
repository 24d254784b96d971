"""Take the digits that DOKU made: the end of generating a code, then or later."""

from datetime import datetime

from o2o.core import next_step
from o2o.core.codes import DokuCode, PaymentCode
from o2o.core.timetable import Timetable
from o2o.usecases.ports import CodeStore
from o2o.usecases.retry_on_conflict import update_code


def take_digits(
    codes: CodeStore, code: PaymentCode, answer: DokuCode, *, now: datetime, timetable: Timetable
) -> PaymentCode:
    """The code with DOKU's answer, unless something overtook that."""
    return update_code(
        codes,
        code,
        lambda newest: next_step.after_digits(newest, answer, now=now, timetable=timetable),
    )
