"""Options that several programs share."""

import argparse
import os
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def add_state_dir(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--state-dir``, whose default is the environment's folder, else ``.local``."""
    parser.add_argument(
        "--state-dir",
        type=_folder,
        default=Path(os.environ.get("O2O_STATE_DIR") or _ROOT / ".local"),
        metavar="FOLDER",
        help=f"{text} (default: $O2O_STATE_DIR, else .local)",
    )


def positive(text: str) -> int:
    """The type of an option that counts."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _folder(text: str) -> Path:
    if not text:  # for a path that would be the working directory
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)
