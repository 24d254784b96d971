"""The tools that build: hashes that notice, and requirements that can be trusted."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build

REQUIREMENTS = [*sorted((build.ROOT / "requirements").glob("*.txt")), build.LAYER_REQUIREMENTS]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with a function and a layer."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for name in ("functions/one/app.py", "layers/shared/o2o/core.py", "template.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def hash_of_tree() -> str:
    return build.hash_files(("functions", "layers", "template.yaml"))


def test_the_hash_is_what_the_template_takes(tree: Path) -> None:
    assert re.fullmatch("[0-9a-f]{64}", hash_of_tree())
    assert hash_of_tree() == hash_of_tree()


def test_a_change_in_the_layer_alone_is_a_change(tree: Path) -> None:
    before = hash_of_tree()
    (tree / "layers/shared/o2o/core.py").write_text("changed")
    assert hash_of_tree() != before


def test_another_name_is_a_change(tree: Path) -> None:
    before = hash_of_tree()
    (tree / "functions/one").rename(tree / "functions/two")
    assert hash_of_tree() != before


def test_moving_a_byte_from_one_file_to_the_next_is_a_change(tree: Path) -> None:
    (tree / "layers/shared/a").write_text("xy")
    (tree / "layers/shared/b").write_text("")
    before = hash_of_tree()
    (tree / "layers/shared/a").write_text("x")
    (tree / "layers/shared/b").write_text("y")
    assert hash_of_tree() != before


@pytest.mark.parametrize(
    "cache", ["functions/one/__pycache__/app.pyc", "layers/shared/o2o/.mypy_cache/x", "layers/.DS"]
)
def test_caches_are_no_change(tree: Path, cache: str) -> None:
    before = hash_of_tree()
    (tree / cache).parent.mkdir(parents=True, exist_ok=True)
    (tree / cache).write_text("left behind")
    assert hash_of_tree() == before


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hashes(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    blocks = "\n".join(lines).replace("\\\n", " ").splitlines()
    assert blocks
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+", block), block
        assert "--hash=sha256:" in block, block


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_no_requirement_names_a_host_or_a_place(path: Path) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links|/(home|root)/", path.read_text())


@pytest.mark.parametrize("folder", [".", "tests/clients"])
def test_npm_packages_are_pinned_and_name_no_host(folder: str) -> None:
    lock = json.loads((build.ROOT / folder / "package-lock.json").read_text())
    assert "://" not in json.dumps([each.get("resolved", "") for each in lock["packages"].values()])
    assert all("integrity" in each for name, each in lock["packages"].items() if name)
    manifest = json.loads((build.ROOT / folder / "package.json").read_text())
    wanted = manifest["devDependencies"] | manifest.get("optionalDependencies", {})
    assert all(re.fullmatch(r"\d+(\.\d+){2}", version) for version in wanted.values())


def test_the_document_names_the_generators_that_are_tried() -> None:
    npm = json.loads((build.ROOT / "tests/clients/package.json").read_text())["devDependencies"]
    text = (build.ROOT / "requirements/clients.txt").read_text()
    pinned = npm | dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.MULTILINE))
    told = re.findall(
        r"^\| \[.+?\| `([a-z-]+)`.*?\| ([0-9.]+) \|",
        (build.ROOT / "docs/clients.md").read_text(),
        re.MULTILINE,
    )
    assert len(told) == 6
    assert {name: pinned[name] for name, _ in told} == dict(told)


def test_what_is_tested_is_what_is_deployed() -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE))

    deployed = pins(build.LAYER_REQUIREMENTS)
    assert deployed.items() <= pins(build.ROOT / "requirements" / "dev.txt").items()
    assert "boto3" not in deployed


@pytest.mark.parametrize(
    ("version", "usable"),
    [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)],
)
def test_a_python_is_found_or_a_sentence_said(
    tmp_path: Path, version: tuple[int, int], usable: bool
) -> None:
    """The stand-in is the Python of this test, made to believe that it is another version."""
    python = tmp_path / "python3"
    python.write_text(
        "#!/bin/sh\n"
        f"exec {sys.executable} -c "
        f"'import sys; sys.version_info = {version}; exec(sys.argv[1])' \"$2\"\n"
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        ["/bin/sh", build.ROOT / "tools" / "find-python"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if usable:
        assert (done.returncode, done.stdout) == (0, f"{sys.executable}\n")
    else:
        assert done.returncode == 1
        assert done.stderr.startswith("O2O needs Python 3.11 to 3.13")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("benchmarks.paid_to_webhook many", "payments: 'many' is not a number from 1"),
        ("benchmarks.paid_to_webhook 2 0", "customers: '0' is not a number from 1"),
        ("benchmarks.cold_start --starts 0", "--starts: '0' is not a number from 1"),
        ("tools.fuzz --cases -1", "--cases: '-1' is not a number from 1"),
        ("tools.find_secrets nothing/there.py", "nothing/there.py is no file"),
        ("local --workers 0", "--workers: '0' is not a number from 1"),
        ("local --api-port eighty", "--api-port: invalid int value: 'eighty'"),
    ],
)
def test_a_number_or_file_that_is_none_is_told(words: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words.split()],
        cwd=build.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.endswith(f"{sentence}\n")
    assert "Traceback" not in done.stderr
