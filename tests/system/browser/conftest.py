"""A browser, and where pictures go."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

from local.stack import ROOT
from tests.support.machine import lack, need_npm_package
from tests.support.patience import CALL_SECONDS

PICTURES = ROOT / "docs" / "images"
LARGEST_PICTURE = 120_000
SOON = CALL_SECONDS * 1000
"""Milliseconds: a page looks every few seconds, and a machine may be busy with other tests."""
CHROMIUM = os.environ.get("O2O_CHROMIUM") or "/usr/bin/chromium"

# Without a sandbox of its own, which a container does not allow, and without any call home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes pictures."""
    for item in items:
        if "picture" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.pictures)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as Debian packages it or as ``O2O_CHROMIUM`` names it."""
    if not Path(CHROMIUM).exists():
        lack("chromium", "apt-get install chromium, or name another one in O2O_CHROMIUM")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        except Error as error:
            pytest.fail(f"{CHROMIUM} does not start: {error}")
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe(browser: Browser) -> str:
    """The script that finds what people with other eyes and hands can't use."""
    return need_npm_package("axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], None]:
    """Takes a picture of a page; with ``O2O_PICTURES`` set it goes into the documentation."""

    def take(page: Page, name: str) -> None:
        shot = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
        folder = PICTURES if os.environ.get("O2O_PICTURES") else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        shot.convert("RGB").quantize(128).save(path, optimize=True)
        assert path.stat().st_size < LARGEST_PICTURE

    return take
