"""What `make build` made, as archives: the form in which it is uploaded to AWS."""

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.artefacts import unpack_native
from tools.build import BUILT, LAYER


def archives() -> Iterator[tuple[str, bytes]]:
    """Each artefact's name and archive.

    The layer's compiled modules are for Lambda's machine: their packages are replaced by the same
    versions' for this one.
    """
    with tempfile.TemporaryDirectory() as name:
        native = Path(name)
        unpack_native(native)
        for artefact in sorted(path for path in BUILT.iterdir() if path.is_dir()):
            before = [(native, "python/")] if artefact.name == LAYER else []
            yield artefact.name, pack([*before, (artefact, "")])


def pack(folders: Sequence[tuple[Path, str]]) -> bytes:
    """An archive of folders, each below a prefix; of two files with one name the first."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for folder, prefix in folders:
            for path in sorted(folder.rglob("*")):
                name = prefix + path.relative_to(folder).as_posix()
                if path.is_file() and name not in opened.NameToInfo:
                    opened.write(path, name)
    return archive.getvalue()
