"""One target under atheris, in a process of its own: `make fuzz-inputs` starts it.

    python -m tests.fuzz.run TARGET FOLDER [LIBFUZZER OPTION ...]

FOLDER holds the corpus. Coverage is that of o2o alone: what lies below it is others'.
"""

import os
import sys
from pathlib import Path

import atheris

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "o2o")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "O2O")
os.environ.setdefault("AWS_DEFAULT_REGION", "ap-southeast-3")

with atheris.instrument_imports(include=["o2o"]):
    from tests.fuzz.all_targets import TOKENS, load

    TARGET = load(sys.argv[1])


def main() -> None:
    """Fuzz until something is found or the runs are done."""
    folder = Path(sys.argv[2])
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate((*TARGET.seeds, *TARGET.found)):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(each)}"\n' for each in TOKENS if len(each) <= 64))
    options = (f"-dict={words}", f"-artifact_prefix={folder}/", *sys.argv[3:], str(corpus))
    atheris.Setup([sys.argv[0], *options], TARGET.check)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


main()
