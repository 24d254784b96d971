"""The targets: everything that takes bytes from outside, one module each in `targets/`.

A target is a plain function of bytes that raises if a property does not hold, so that whatever was
found is replayed without the fuzzer. ``SEEDS`` are what a run begins with.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FOUND = HERE / "found"
"""Inputs that have found something, in a folder for each target."""

TOKENS = (
    *(b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"Infinity", b"1" * 30, b"0.1", b"1e11"),
    *(b'""', b"{}", b"[]", b'"\\ud800"', b"\\u0000", b"[" * 300, b'{"a":' * 60, b'"' + b"9" * 5000),
    *(b"\n", b"\n\n", b"\r\n", b": ", b",", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80"),
    *(b"SUCCESS", b"REFUNDED", b"status", b"amount", b"invoice_number", b"payment_code", b"sign"),
    *("٣".encode(), "\u202e".encode(), "ﷺ".encode(), b"%2e%2e/", b"%00", b"<!---->", b"'\"><x"),
    *(b"https://", b"@", b"#", b"?", b"//", b"\\", b"Infinity", b"1e400", b"9999-12-31T23:59:59Z"),
)
"""What is put in at random places, beside random bytes."""


@dataclass(frozen=True)
class Target:
    """One of them. ``promise`` is what must hold, in words."""

    name: str
    promise: str
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]

    @property
    def found(self) -> Iterator[bytes]:
        """The inputs that have found something."""
        for path in sorted((FOUND / self.name).glob("*")):
            yield path.read_bytes()


NAMES = tuple(sorted(path.stem for path in (HERE / "targets").glob("*.py")))


def load(name: str) -> Target:
    """A target by its name."""
    module = importlib.import_module(f"tests.fuzz.targets.{name}")
    return Target(name, module.__doc__ or "", module.check, module.SEEDS)
