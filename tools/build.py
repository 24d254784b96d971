"""Build the deployed artefacts in .aws-sam/build: `make build`.

1. Fetch the layer's wheels, for Lambda's machine and for this one, each checked against its hash.
2. `sam build`, which may use only those wheels and no index.
3. Compile to byte-code. SAM resets all times to 1980, which makes ordinary byte-code useless;
   the hash-based kind survives, and cold starts take about half as long.
4. Write .aws-sam/parameters.yaml with the hash of everything that is deployed and with the version.
   samconfig.toml passes both to `sam deploy`. See BuildHash and Version in template.yaml.

Does nothing if nothing changed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from o2o.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / ".aws-sam" / "build"
WHEELS = ROOT / ".aws-sam" / "wheels"
PARAMETERS = ROOT / ".aws-sam" / "parameters.yaml"
STAMP = ROOT / ".aws-sam" / "stamp"
SAM = ROOT / ".venv-tools" / "bin" / "sam"
LAYER = "SharedLayer"
LAYER_REQUIREMENTS = ROOT / "layers" / "shared" / "requirements.txt"

# What packages bring along beside themselves (python-barcode does), and what SAM installs by.
UNUSED = ("bin", "docs", "requirements.in", "requirements.txt", "tests")

RUNTIME = (3, 13)
# What Amazon Linux 2023 on arm64 accepts; the same that SAM's own builder asks for.
LAMBDA_PLATFORM = ("--platform", "manylinux2014_aarch64", "--implementation", "cp")

DEPLOYED = ("functions", "layers", "samconfig.toml", "template.yaml")
BUILT_BY = ("requirements/tools.txt", "tools/build.py")


def main() -> None:
    """Build, unless the last build is up to date."""
    if sys.version_info[:2] != RUNTIME:
        sys.exit(
            "The build needs Python 3.13, the version that Lambda runs, on PATH or in pyenv's "
            f"versions folder; this is {sys.version_info.major}.{sys.version_info.minor}."
        )
    build_hash, stamp = hash_files(DEPLOYED), new_stamp()
    if is_up_to_date():
        print(f"Build {build_hash[:10]} is up to date.")
        return
    STAMP.unlink(missing_ok=True)
    fetch_wheels()
    sam_build()
    compile_byte_code()
    PARAMETERS.write_text(parameters(build_hash))
    STAMP.write_text(stamp)
    print(f"Build {build_hash[:10]} is in {BUILT.relative_to(ROOT)}.")


def parameters(build_hash: str) -> str:
    """The template's parameters that the build sets, as YAML; a hash may look like a number."""
    return f'BuildHash: "{build_hash}"\nVersion: "{VERSION}"\n'


def new_stamp() -> str:
    """The stamp of a build from the present files: hashes of its sources and of the build tools."""
    return f"{hash_files(DEPLOYED)} {hash_files(BUILT_BY)}\n"


def is_up_to_date() -> bool:
    """Whether the last build was made from the present files."""
    return STAMP.exists() and STAMP.read_text() == new_stamp()


def hash_files(names: tuple[str, ...]) -> str:
    """SHA-256 over the files' paths and contents, in sorted order and without caches."""
    digest = sha256()
    for path in sorted(file for name in names for file in _files(ROOT / name)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.name != "__pycache__" and not path.name.startswith("."):
        for child in path.iterdir():
            if child.is_dir() or not child.name.startswith("."):
                yield from _files(child)


def fetch_wheels() -> None:
    """Download the layer's dependencies; pip rejects a file with another hash."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    # SAM's builder downloads for the machine it runs on first, then for Lambda's.
    for platform in ((), (*LAMBDA_PLATFORM, "--python-version", "3.13")):
        run(
            *(sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
            *platform,
            *("--requirement", LAYER_REQUIREMENTS, "--dest", WHEELS),
        )


def sam_build() -> None:
    """Run `sam build` with the verified wheels only, and with this interpreter first on PATH."""
    run(
        SAM,
        "build",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(WHEELS),
        SAM_CLI_TELEMETRY="0",
    )
    for hidden in [path for path in BUILT.rglob(".*") if path.is_dir()]:
        shutil.rmtree(hidden)  # caches of linters, which SAM copies along
    for unused in [BUILT / LAYER / "python" / name for name in UNUSED]:
        if unused.is_dir():
            shutil.rmtree(unused)
        else:
            unused.unlink(missing_ok=True)


def compile_byte_code() -> None:
    """Compile each artefact to byte-code, for the path that it has on Lambda."""
    for artefact in sorted(path for path in BUILT.iterdir() if path.is_dir()):
        run(
            *(sys.executable, "-m", "compileall", "-q", "-j", "0"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", artefact, "-p", "/opt" if artefact.name == LAYER else "/var/task", artefact),
            PYTHONHASHSEED="0",
        )


def run(*command: str | Path, **environ: str) -> None:
    """Run a command and print its output only if it fails, which also ends this program."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(map(str, command))} failed.")


if __name__ == "__main__":
    main()
