"""Logs and metrics of closed days, and of how the books stand."""

from aws_lambda_powertools.metrics import MetricUnit

from o2o.entry.observability import count, logger
from o2o.usecases.close_books import BooksRun


def count_books(run: BooksRun) -> None:
    """Count and log what a run did and found. It is also told when there was nothing to do."""
    count("BooksDifferences", run.differences)
    count("BooksOpenSeconds", run.open_for.total_seconds(), MetricUnit.Seconds)
    count("PaymentsUnresolved", run.unresolved)
    for book in run.closed:
        count("BooksClosed")
        log = logger.error if book.differences else logger.info
        log(
            "books closed",
            day=book.day,
            edition=book.edition,
            payments=book.count,
            differences=book.differences,
            messages_root=book.messages_root,
        )
