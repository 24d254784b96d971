"""A small application of our own, its parts ready to be used one by one."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.blueprint import Blueprint
from local.clock import SharedClock
from local.functions import FunctionPool, SharedSettings, make_pool

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The application of ``fixtures``, its parts ready to be used one by one."""

    folder: Path
    resources: Mapping[str, Any]
    blueprint: Blueprint
    pools: Mapping[str, FunctionPool]
    shared: SharedSettings
    clock: SharedClock

    @property
    def aws_url(self) -> str:
        return self.shared.aws_url

    @property
    def dynamodb_url(self) -> str:
        return self.shared.dynamodb_url

    @contextlib.contextmanager
    def pool(
        self, function: str, *, limit: int = 1, handler: str | None = None
    ) -> Iterator[FunctionPool]:
        """A pool of its own for one test."""
        declared = self.blueprint.functions[function]
        declared = replace(declared, handler=handler or declared.handler)
        pool = make_pool(declared, self.shared, limit)
        try:
            yield pool
        finally:
            pool.close()

    def log(self, function: str) -> str:
        path = self.folder / "logs" / f"{function}.log"
        return path.read_text() if path.exists() else ""
