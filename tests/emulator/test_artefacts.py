"""Archives as they are uploaded."""

import io
import zipfile

from emulator.artefacts import pack


def test_of_two_files_with_one_name_the_first_is_taken(tmp_path):
    native, layer = tmp_path / "native", tmp_path / "layer"
    for folder, path, text in (
        (native, "core/fast.so", "this machine's"),
        (layer, "python/core/fast.so", "Lambda's"),
        (layer, "python/core/plain.py", "both"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    archive = zipfile.ZipFile(io.BytesIO(pack([(native, "python/"), (layer, "")])))
    assert {name: archive.read(name).decode() for name in archive.namelist()} == {
        "python/core/fast.so": "this machine's",
        "python/core/plain.py": "both",
    }
