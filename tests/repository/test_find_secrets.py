"""The scan for secrets: what it finds, and what it lets pass.

What looks like a secret in here is put together, so that the scan does not find this file.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.documents import ROOT
from tests.support.machine import lack
from tools import find_secrets

DIGITS = "7f3A9c1E5b8D2f60"  # pragma: allowlist secret - made up
PLANTED = {
    "AWS Access Key": 'KEY = "AKIA' + 'Q3EGRTW5ZLMNOP7X"',
    "Secret Keyword": 'secret_key = "SK-' + f'{DIGITS}{DIGITS}"',
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "GitHub Token": 'TOKEN = "ghp_' + "zQ1" * 12 + '"',
    "Basic Auth Credentials": "url: https://shop:" + f"{DIGITS}@shop.example/",
    "Base64 High Entropy String": 'SEED = "whsec_' + 'kX9v2Lq8Tz4Rb7Wm1Yc5Nd3Hs6Gf0Jp"',
}


DOTS = "k7q2m9x4p1za"  # pragma: allowlist secret - made up
KEY = f"o2o_{DOTS}_{DOTS * 4}k7"
SHAPED = {
    "API key of O2O": f"curl -H 'Authorization: Bearer {KEY}'",
    "DOKU Secret Key": f"The key is SK-{DIGITS}, and",
    "Webhook Secret": f"whsec_{DOTS * 4}",
    "AWS Secret Key": f"aws_secret_access_key = {DIGITS * 2}{DIGITS[:8]}",
    "AWS Access Key": f"AKIA{DIGITS.upper()}",
    "Private Key": "-----BEGIN " + "EC PRIVATE KEY-----",
}
FILES = ("notes.md", "run.ipynb", ".env", "package-lock.json", "uv.lock", "x")


@pytest.mark.parametrize(
    "name", ["notes.md", "run.ipynb", ".env", "package-lock.json", "uv.lock", "x"]
)
@pytest.mark.parametrize("kind", SHAPED)
def test_a_key_of_a_known_shape_is_found_in_any_file(kind: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(f"Some words.\n{SHAPED[kind]}\n", "utf-8")
    with pytest.raises(SystemExit) as stopped:
        find_secrets.main([str(file)])
    assert f"{file}:2: {kind}" in str(stopped.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.py"


@pytest.mark.parametrize("kind", PLANTED)
def test_a_new_secret_is_found(kind: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"# Settings.\n{PLANTED[kind]}\n", "utf-8")
    with pytest.raises(SystemExit) as stopped:
        find_secrets.main([str(file)])
    assert f"{file}:2: {kind}" in str(stopped.value)


def test_what_is_made_up_passes(file: Path) -> None:
    made_up = ("local", "SK-OTHER", "SK-local-test-key-0001")
    file.write_text("\n".join(f'secret_key = "{each}"' for each in made_up), "utf-8")
    find_secrets.main([str(file)])


def test_what_is_known_in_one_file_is_new_in_another(file: Path) -> None:
    known = find_secrets.load()
    name = "tests/system/test_examples.py"
    if name not in known.files:
        name = next(each for each in sorted(known.files) if each.startswith("tests/"))
    find_secrets.main([name])
    file.write_bytes((ROOT / name).read_bytes())
    with pytest.raises(SystemExit, match="These look like secrets"):
        find_secrets.main([str(file)])


def test_only_hashes_and_no_paths_of_a_machine_are_in_the_baseline() -> None:
    text = find_secrets.BASELINE.read_text("utf-8")
    assert str(ROOT) not in text
    assert "line_number" not in text
    assert "secret_value" not in text


def test_every_file_of_the_baseline_exists() -> None:
    assert [name for name in find_secrets.load().files if not (ROOT / name).is_file()] == []


def test_it_looks_at_what_git_tracks() -> None:
    try:
        tracked = find_secrets.tracked()
    except subprocess.CalledProcessError:
        lack("clone", "git tells what it tracks")
    assert {"template.yaml", "tools/find_secrets.py"} <= set(tracked)
