"""What calls for a person of a payment, and what was done about it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.codes import Doubt, PaymentCode, PaymentKind, Status
from o2o.core.errors import InvalidRequest, NotFound
from o2o.core.events import Change, EventType, derive_events, derive_story
from o2o.core.payments import Payment, Settlement, resolve
from o2o.core.resolutions import Attention, Resolution, ResolutionKind
from o2o.usecases.resolve_payment import ResolvePayment
from tests.support.memory import MemoryCodeStore, MemoryPaymentStore, MemoryTable
from tests.support.samples import at, make_code, make_settlement

KINDS = st.sampled_from(PaymentKind)
DOUBTS = st.lists(st.sampled_from(Doubt), unique=True).map(tuple)


def said(kind: ResolutionKind = ResolutionKind.REFUNDED, **changes: object) -> Resolution:
    fields = {"kind": kind, "by": "key:k1", "at": at(hours=1), **changes}
    return Resolution(**fields)  # type: ignore[arg-type]


def paid(kind: PaymentKind = PaymentKind.PAID_LATE, *doubts: Doubt) -> Settlement:
    settlement = make_settlement(make_code())
    payment = replace(settlement.payment, kind=kind, doubts=doubts)
    code = replace(settlement.code, last_payment=payment.mark)
    return replace(settlement, payment=payment, code=code)


def resolved(settlement: Settlement, resolution: Resolution) -> Settlement:
    after = resolve(settlement.code, settlement.payment, resolution)
    assert after is not None
    return after


@given(KINDS, DOUBTS)
def test_all_but_a_payment_that_simply_pays_calls_for_a_person(
    kind: PaymentKind, doubts: tuple[Doubt, ...]
) -> None:
    payment = paid(kind, *doubts).payment
    assert payment.needs_attention is (kind is not PaymentKind.PAID or doubts != ())
    assert (Attention.UNCERTAIN in payment.attention) is bool(doubts)


@given(KINDS, DOUBTS, st.sampled_from(ResolutionKind))
def test_a_resolution_answers_what_called_for_it_and_changes_nothing_else(
    kind: PaymentKind, doubts: tuple[Doubt, ...], word: ResolutionKind
) -> None:
    before = paid(kind, *doubts)
    after = resolved(before, said(word))
    assert after.payment.needs_attention is False
    assert after.ends_attention is before.payment.needs_attention
    assert replace(after.payment, resolutions=()) == before.payment
    same = replace(after.code, version=before.code.version, last_resolution=None)
    assert same == before.code


def test_what_is_learnt_after_a_resolution_calls_again() -> None:
    after = resolved(paid(), said())
    doubted = replace(after.payment, doubts=(Doubt.MAY_BE_TWO,))
    assert doubted.needs_attention
    again = resolve(after.code, doubted, said())
    assert again is not None
    assert again.payment.needs_attention is False


def test_the_same_again_adds_nothing_whoever_says_it_and_when() -> None:
    after = resolved(paid(), said(reference="TRF-1"))
    repeated = said(reference="TRF-1", by="another", at=at(days=1))
    assert resolve(after.code, after.payment, repeated) is None
    for other in (said(), said(ResolutionKind.KEPT, reference="TRF-1"), said(note="x")):
        more = resolve(after.code, after.payment, other)
        assert more is not None
        assert [each.kind for each in more.payment.resolutions] == [
            ResolutionKind.REFUNDED,
            other.kind,
        ]


def test_each_resolution_is_one_event_and_the_story_tells_it_under_the_same_id() -> None:
    first = resolved(paid(), said())
    second = resolve(first.code, first.payment, said(ResolutionKind.KEPT))
    assert second is not None
    writes = [
        Change(paid().code, first.code),
        Change(first.code, second.code),
        # Whatever happens then is no resolution.
        Change(second.code, second.code.forget(at(days=90))),
    ]
    told = [event for change in writes for event in derive_events(change)]
    assert [each.type for each in told] == [EventType.RESOLVED, EventType.RESOLVED]
    assert len({each.event_id for each in told}) == 2
    assert [each.resolution for each in told] == list(second.payment.resolutions)
    story = derive_story(second.code, [second.payment.mark], list(second.payment.resolved_payments))
    again = [each.event_id for each in story if each.type is EventType.RESOLVED]
    assert again == [each.event_id for each in told]


def test_a_forgotten_code_stays_forgotten_when_it_is_resolved() -> None:
    before = paid()
    gone = replace(before.code.forget(at(days=90)), evidence_forgotten_at=at(days=100))
    after = resolved(replace(before, code=gone), said())
    assert after.code.evidence_forgotten_at == at(days=100)
    assert after.code.payment_code is None


@pytest.mark.parametrize("name", ["reference", "note"])
@pytest.mark.parametrize("text", ["", " ", "\t\n", "x" * 501])
def test_a_text_that_is_blank_or_too_long_is_named(name: str, text: str) -> None:
    before = paid()
    reference, note = (text, None) if name == "reference" else (None, text)
    resolution = said(reference=reference, note=note)
    with pytest.raises(InvalidRequest, match=name):
        resolve(before.code, before.payment, resolution)


# --- the use case ----------------------------------------------------------------------------


def stored(settlement: Settlement) -> tuple[MemoryTable, ResolvePayment]:
    table = MemoryTable()
    codes = MemoryCodeStore(table)
    codes.create(make_code())
    codes.record(settlement)
    return table, ResolvePayment(codes=codes, clock=lambda: at(hours=2))


def test_whoever_loses_a_race_reads_again_and_nothing_is_lost() -> None:
    settlement = paid()
    table, resolving = stored(settlement)
    racer = resolved(settlement, said(ResolutionKind.KEPT))
    codes = resolving.codes
    read = codes.get_payment
    raced = False

    def get_payment(order_number: str, payment_id: str) -> Payment | None:
        nonlocal raced
        found = read(order_number, payment_id)
        if not raced:
            raced = True
            codes.record(racer)
        return found

    codes.get_payment = get_payment  # type: ignore[method-assign]
    done = resolving("shop", "INV-1", "1", ResolutionKind.REFUNDED, by="me")
    assert [each.kind for each in done.payment.resolutions] == [
        ResolutionKind.KEPT,
        ResolutionKind.REFUNDED,
    ]
    open_ = MemoryPaymentStore(table).list_attention("shop", recorded_to=None, limit=5, cursor=None)
    assert open_.items == []


def test_a_foreign_payment_does_not_exist() -> None:
    _, resolving = stored(paid())
    for storefront, order, payment in (
        ("other", "INV-1", "1"),
        ("shop", "INV-2", "1"),
        ("shop", "INV-1", "2"),
    ):
        with pytest.raises(NotFound):
            resolving(storefront, order, payment, ResolutionKind.KEPT, by="me")


def test_a_payment_of_an_earlier_code_of_that_number_can_not_be_resolved() -> None:
    settlement = paid()
    table, resolving = stored(settlement)
    later: PaymentCode = replace(
        make_code(), created_at=settlement.payment.recorded_at + timedelta(days=400)
    )
    table.codes["INV-1"] = replace(later, status=Status.ACTIVE)
    with pytest.raises(NotFound):
        resolving("shop", "INV-1", "1", ResolutionKind.KEPT, by="me")
