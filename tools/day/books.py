"""The books of the days that were lived, against the till; and what a settlement report cures."""

import csv
import io
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from local.aws import client
from tests.support.documents import ROOT
from tests.support.local_stack import clean_environment, run_module
from tests.support.patience import PATIENCE_SECONDS, until
from tools.day.compare import Difference, Number, Taken
from tools.day.run import Day

WIB = timezone(timedelta(hours=7))
"""Said again here: what is compared with shares nothing with the code that is under test."""

_CLOSED_AFTER = timedelta(hours=20)
_AGAIN_AFTER = timedelta(minutes=25)
"""A late payment is looked for in runs ten minutes apart, a little behind the clock."""

_MAPPING = ROOT / "docs" / "examples" / "settlement" / "simulator.toml"
_DIFFERENCES = 3
"""The exit code of ``settlement match`` if report and record differ."""

_PLANTED = ("amount_differs", "missing_there", "unknown_order")
"""What is planted into the reports of three days, one each."""

Taking = Mapping[Number, Sequence[Taken]]
Books = Mapping[tuple[int, date], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksFigures:
    """The books in numbers."""

    days: int
    editions: int
    rupiah: int
    """What the till took."""
    resolved: int
    """Payments that called for a person, and were resolved."""
    settlement_lines: int
    cured: int
    """Payments that only a settlement report told of."""
    unprovable: int
    """Payments that nothing told of: of reusable codes under a direct BIN."""


class Ledger:
    """Closes the days that were lived, and compares."""

    def __init__(self, day: Day, folder: Path) -> None:
        self._day = day
        self._folder = folder
        self._street = day.street
        self._taken: dict[Number, list[Taken]] = defaultdict(list)
        for number, each in self._street.taken():
            self._taken[number].append(each)
        self._resolved = self._cured = self._lines = 0

    # --- the steps ---------------------------------------------------------------------------

    def close(self) -> Iterator[Difference]:
        """Close every day, resolve what calls for a person, and compare with the till."""
        last = max(map(_day_of, self._all()))
        end = datetime.combine(last + timedelta(days=1), datetime.min.time(), WIB)
        self._day.turn_and_settle(max(self._day.now, end + _CLOSED_AFTER))
        self._wait_for(self._days())
        yield from self._resolve()
        yield from self._compare(self._unseen())

    def settle(self) -> Iterator[Difference]:
        """Match each day's settlement report; then only direct BINs may lack a payment."""
        unseen = self._unseen()
        for place, day in enumerate(self._days()):
            planted = _PLANTED[place] if place < len(_PLANTED) else None
            yield from self._match(day, planted)
        missing = self._unseen()
        self._cured = len(unseen) - len(missing)
        late = {_day_of(each) for number, each in unseen if (number, each) not in missing}
        before = {day: self._editions(day) for day in late}
        self._day.turn_and_settle(self._day.now + _AGAIN_AFTER)
        until(
            lambda: all(self._editions(day) > before[day] for day in late) or self._turn(),
            "the days with late payments to be closed again",
        )
        yield from self._compare(missing)

    def verify(self) -> Iterator[Difference]:
        """Have the offline verifier look at copies of the buckets; then change one byte."""
        folder = self._folder / "copies"
        self._copy(folder)
        done = self._verify(folder)
        if done.returncode:
            yield Difference(None, f"the verifier says of untouched books: {done.stdout}")
        message = min((folder / "archive").rglob("*-notification-*.json"))
        content = message.read_bytes()
        place = content.index(b'"body_base64": "') + 40
        message.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        done = self._verify(folder)
        if done.returncode != 1 or "payment" not in done.stdout:
            yield Difference(None, f"a changed byte is not named: {done.stdout}")
        self.named = done.stdout.strip().splitlines()

    # --- what is compared --------------------------------------------------------------------

    def _compare(self, unseen: Sequence[tuple[Number, Taken]]) -> Iterator[Difference]:
        """Every book against the till, less what nothing ever told of."""
        till = self._till(unseen)
        unprovable = self._unprovable()
        for number, each in unseen:
            if number not in unprovable:
                yield Difference(number, f"{each.receipt_number} is in no book, nor a doubt")
        for (shop, day), book in sorted(self._books().items()):
            yield from self._of_book(shop, day, book, till.pop((shop, day), []))
        for shop, day in till:
            yield Difference(None, f"there is no book of shop {shop} on {day}")
        for day in self._days():
            for each in self._admin("books", "show", str(day))["differences"]:
                yield Difference(None, f"the stack's book of {day} lists {each}")

    def _of_book(
        self, shop: int, day: date, book: Mapping[str, Any], took: Sequence[Taken]
    ) -> Iterator[Difference]:
        where = f"the book of shop {shop} on {day}"
        has = book["count"], book["sum"]
        if has != (len(took), sum(each.amount for each in took)):
            yield Difference(None, f"{where} has {has}, the till has {took}")
        for each in book["listed_differences"]:
            yield Difference(None, f"{where} lists {each}")
        told = self._day.receiver.books.get((shop, str(day), book["edition"]))
        if told is None or told["messages_root"] != book["messages_root"]:
            yield Difference(None, f"{where}, edition {book['edition']}: told was {told}")

    def _till(self, unseen: Sequence[tuple[Number, Taken]]) -> dict[tuple[int, date], list[Taken]]:
        """What each shop's tills took on each day, and somebody told of."""
        found: dict[tuple[int, date], list[Taken]] = defaultdict(list)
        for number, takings in self._taken.items():
            for each in takings:
                if (number, each) not in unseen:
                    found[number[0], _day_of(each)].append(each)
        return found

    def _unseen(self) -> list[tuple[Number, Taken]]:
        """What the till took and the API does not list."""
        here = {
            (shop.place, each["invoice_number"], each["receipt_number"])
            for shop in self._street.shops
            for each in self._street.pages(shop.place, "/payments")
        }
        return [
            (number, each)
            for number, takings in self._taken.items()
            for each in takings
            if (*number, each.receipt_number) not in here
        ]

    def _unprovable(self) -> set[Number]:
        """The codes of which the books say that nobody can prove their payments complete."""
        return {
            (shop, each["invoice_number"])
            for (shop, _), book in self._books().items()
            for each in book["noted"]["reusable_incomplete"]["items"]
        }

    def _books(self) -> Books:
        found = {}
        for shop in self._street.shops:
            for each in self._street.pages(shop.place, "/books"):
                answer = self._street.call("GET", shop.place, f"/books/{each['day']}")
                found[shop.place, date.fromisoformat(each["day"])] = answer.json()
        return found

    # --- people --------------------------------------------------------------------------------

    def _resolve(self) -> Iterator[Difference]:
        """Resolve each payment that calls for a person: exactly those that should."""
        for shop in self._street.shops:
            open_ = list(self._street.pages(shop.place, "/payments?resolution=open"))
            for each in open_:
                path = f"/payment-codes/{each['invoice_number']}/payments/{each['id']}/resolution"
                self._street.call("POST", shop.place, path, json={"resolution": "refunded"})
                self._resolved += 1
                if each["kind"] == "paid" and each["certain"]:
                    number = (shop.place, each["invoice_number"])
                    yield Difference(number, "simply paid, and calls for a person")
            if list(self._street.pages(shop.place, "/payments?resolution=open")):
                yield Difference(None, f"shop {shop.place} has resolved all, and something is open")

    # --- the settlement ------------------------------------------------------------------------

    def _match(self, day: date, planted: str | None) -> Iterator[Difference]:
        """One day's report, with something wrong in it that must be named once."""
        rows = self._report(day)
        expected = {(each["Order Number"], each["Receipt Number"]) for each in rows} - self._listed(
            day
        )
        order_number = self._plant(rows, planted)
        file = self._folder / f"settlement-{day}.csv"
        with file.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]) if rows else ["Order Number"])
            writer.writeheader()
            writer.writerows(rows)
        self._lines += len(rows)
        for write in ((), ("--write",), ("--write",)):
            result = self._folder / f"result-{day}.csv"
            self._admin(
                *("settlement", "match", str(file), "--mapping", str(_MAPPING)),
                *("--day", str(day), "--result", str(result), *write),
                codes=(0, _DIFFERENCES),
            )
            found = [
                each
                for each in csv.DictReader(io.StringIO(result.read_text("utf-8")))
                if each["outcome"] not in {"matched", "recorded_before"}
            ]
            missing = [each for each in found if each["outcome"] in {"missing_here", "recorded"}]
            if write and {(e["order_number"], e["receipt_number"]) for e in missing} - expected:
                yield Difference(None, f"{day}: {missing} is recorded, expected {expected}")
            others = [each for each in found if each not in missing]
            told = [(each["outcome"], each["order_number"]) for each in others]
            if told != ([(planted, order_number)] if planted else []):
                yield Difference(None, f"{day}: planted was {planted}, told is {others}")

    def _report(self, day: date) -> list[dict[str, str]]:
        answer = self._street.doku("GET", f"/settlement?day={day}")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        return [each for each in rows if each["Order Number"]]

    def _listed(self, day: date) -> set[tuple[str, str]]:
        prefix = {shop.place: shop.order_prefix for shop in self._street.shops}
        return {
            (prefix[shop.place] + each["invoice_number"], each["receipt_number"])
            for shop in self._street.shops
            for each in self._street.pages(shop.place, f"/payments?paid_from={day}&paid_to={day}")
        }

    def _plant(self, rows: list[dict[str, str]], planted: str | None) -> str | None:
        if planted is None or not rows:
            return None
        # The first order that has one payment: what is wrong with it is one thing.
        often = Counter(each["Order Number"] for each in rows)
        row = next(each for each in rows if often[each["Order Number"]] == 1)
        order_number = row["Order Number"]
        if planted == "amount_differs":
            row["Amount"] = str(int(row["Amount"]) + 1)
        elif planted == "missing_there":
            rows.remove(row)
        else:
            order_number = "NOT-OURS-1"
            rows.append({**row, "Order Number": order_number, "Receipt Number": "999999999999"})
        return order_number

    # --- the verifier --------------------------------------------------------------------------

    def _copy(self, folder: Path) -> None:
        about = self._day.stack.about
        s3 = client("s3", about["aws_url"])
        for name, output in (("books", "BooksBucketName"), ("archive", "ArchiveBucketName")):
            bucket = about["outputs"][output]
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for each in page.get("Contents", ()):
                    path = folder / name / each["Key"]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    got = s3.get_object(Bucket=bucket, Key=each["Key"])
                    path.write_bytes(got["Body"].read())
        (folder / "key").write_text(about["doku"]["secret_key"])

    def _verify(self, folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                *(sys.executable, "-I", str(ROOT / "tools" / "verify_books.py")),
                *(str(folder / "books"), "--archive", str(folder / "archive")),
                *("--secret-key-file", str(folder / "key")),
            ],
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )

    # --- the stack -----------------------------------------------------------------------------

    def _admin(self, *words: str, codes: tuple[int, ...] = (0,)) -> Any:
        done = run_module("admin", "--state-dir", str(self._day.stack.folder), "--json", *words)
        if done.returncode not in codes:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else None

    def _editions(self, day: date) -> int:
        answer = self._street.call("GET", 0, f"/books/{day}")
        return int(answer.json()["edition"]) if answer.status_code == 200 else 0  # noqa: PLR2004

    def _wait_for(self, days: Sequence[date]) -> None:
        until(
            lambda: all(self._editions(day) for day in days) or self._turn(),
            "the days to be closed",
            seconds=4 * PATIENCE_SECONDS,
        )

    def _turn(self) -> bool:
        """Let the schedules run once more."""
        self._day.turn_and_settle(self._day.now + timedelta(minutes=10))
        return False

    def _all(self) -> Iterable[Taken]:
        return (each for takings in self._taken.values() for each in takings)

    def _days(self) -> list[date]:
        return sorted(set(map(_day_of, self._all())))

    def figures(self) -> dict[str, Any]:
        """The books in numbers."""
        books = self._books()
        return asdict(
            BooksFigures(
                days=len({day for _, day in books}),
                editions=len(self._day.receiver.books),
                rupiah=sum(each.amount for each in self._all()),
                resolved=self._resolved,
                settlement_lines=self._lines,
                cured=self._cured,
                unprovable=len(self._unseen()),
            )
        )


def _day_of(taken: Taken) -> date:
    """The WIB day of a payment, by the till."""
    return datetime.fromisoformat(taken.paid_at).replace(tzinfo=UTC).astimezone(WIB).date()
