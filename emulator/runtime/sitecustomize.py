"""Read by each Python that the emulator starts: the business time of a function can be moved.

Lambda has nothing like it. The artefacts stay as they are: this wraps the import of the wiring.
"""

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_WIRING = "o2o.entry.wiring"


def _now() -> datetime:
    try:
        offset = float(Path(os.environ["O2O_EMULATOR_CLOCK"]).read_text(encoding="utf-8"))
    except FileNotFoundError:
        offset = 0.0
    return datetime.now(UTC) + timedelta(seconds=offset)


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.use_clock(_now)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _WIRING:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            spec.loader = _Loader(spec.loader)
        return spec


if "O2O_EMULATOR_CLOCK" in os.environ:
    sys.meta_path.insert(0, _Finder())
