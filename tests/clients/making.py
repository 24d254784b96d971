"""Makes clients with the generators of docs/clients.md, by the very commands that stand there.

Each client is compiled or type-checked, with a program of ``drivers`` that uses it. The program
takes an order as a line of JSON and prints what the client read, as another one.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.documents import ROOT, read
from tests.support.local_stack import clean_environment
from tests.support.patience import PATIENCE_SECONDS

HERE = Path(__file__).parent
TOOLS = ROOT / ".venv-clients" / "bin"
MODULES = HERE / "node_modules"
DOCUMENT = ROOT / "docs" / "openapi.json"

_COMMAND = re.compile(r"^<!-- client: (\S+) -->\n\n```sh\n(.+?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS: dict[str, str] = dict(_COMMAND.findall(read("docs/clients.md")))
"""How each client is generated, in a folder with the document."""


@dataclass(frozen=True, slots=True)
class Needs:
    """A program or file, and the package that has it."""

    program: str
    package: str

    @property
    def is_there(self) -> bool:
        """Whether this machine has it."""
        return shutil.which(self.program) is not None or Path(self.program).exists()


NODE = Needs("node", "Node and npm")
PHP = (
    Needs("php", "php-cli"),
    Needs("/usr/share/php/GuzzleHttp/autoload.php", "php-guzzlehttp-guzzle"),
)
GO = Needs("go", "golang-go")


@dataclass(frozen=True, slots=True)
class Client:
    """A generated client: where it is, what the generator printed, and how its program runs."""

    folder: Path
    printed: str
    program: tuple[str, ...] = ()

    def run(self, *command: str | Path, **environment: str) -> str:
        """What a command in the client's folder prints. Fails with all of it."""
        return run(self.folder, *command, **environment)

    def generated(self, pattern: str) -> str:
        """The generated files of a pattern as one text."""
        files = sorted(self.folder.glob(pattern))
        assert files, pattern
        return "\n".join(path.read_text("utf-8") for path in files)


def environment(**more: str) -> dict[str, str]:
    """What the generators and programs get: our pinned tools first, and no way out for Go."""
    path = os.pathsep.join([str(TOOLS), str(MODULES / ".bin"), os.environ["PATH"]])
    return clean_environment() | {
        "PATH": path,
        "NO_PROXY": "127.0.0.1",
        "JAVA_OPTS": "-XX:TieredStopAtLevel=1",  # generators end before more would pay
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local",
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        **more,
    }


def run(folder: Path, *command: str | Path, **more: str) -> str:
    """What a command prints. Fails with all of it."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def generate(name: str, folder: Path) -> Client:
    """The client as docs/clients.md says."""
    shutil.copy(DOCUMENT, folder / "openapi.json")
    return Client(folder, run(folder, "sh", "-c", COMMANDS[name]))


# --- one for each client --------------------------------------------------------------------------


def _python(folder: Path) -> Client:
    client = generate("python", folder)
    shutil.copy(HERE / "drivers" / "shop.py", folder)
    # The client's own modules have a few complaints of mypy's, all within their functions.
    client.run("mypy", "--strict", "--follow-imports", "silent", "shop.py")
    return Client(folder, client.printed, (str(TOOLS / "python"), "shop.py"))


def _pydantic(folder: Path) -> Client:
    client = generate("pydantic", folder)
    client.run("mypy", "--strict", "o2o_models.py")
    return client


def _compile_typescript(name: str, driver: str, folder: Path) -> Client:
    client = generate(name, folder)
    (folder / "node_modules").symlink_to(MODULES)
    for each in (HERE / "package.json", HERE / "tsconfig.json", HERE / "drivers" / driver):
        shutil.copy(each, folder)
    client.run("tsc")
    built = (folder / "built" / driver).with_suffix(".js")
    return Client(folder, client.printed, ("node", str(built)))


def _typescript(folder: Path) -> Client:
    return _compile_typescript("typescript", "shop.ts", folder)


def _typescript_fetch(folder: Path) -> Client:
    return _compile_typescript("typescript-fetch", "shop-generated.ts", folder)


def _php(folder: Path) -> Client:
    client = generate("php", folder)
    shutil.copy(HERE / "drivers" / "shop.php", folder)
    checked = client.run(
        *("find", "shop.php", "client/lib", "-name", "*.php"),
        *("-exec", "php", "--syntax-check", "{}", ";"),
    )
    assert set(re.sub(r" in .+", "", checked).split("\n")) <= {"No syntax errors detected", ""}
    return Client(folder, client.printed, ("php", "shop.php"))


def _go(folder: Path) -> Client:
    client = generate("go", folder)
    shutil.copy(HERE / "drivers" / "shop.go", folder)
    (folder / "go.mod").write_text("module example.com/shop\n\ngo 1.18\n")
    client.run("go", "vet", "./...")
    client.run("go", "build", "-o", "shop", ".")
    return Client(folder, client.printed, ("./shop",))


@dataclass(frozen=True, slots=True)
class Kind:
    """A client that is made, and what a machine must have for it."""

    make: Callable[[Path], Client]
    needs: tuple[Needs, ...] = ()


KINDS = {
    "python": Kind(_python),
    "pydantic": Kind(_pydantic),
    "typescript": Kind(_typescript, (NODE,)),
    "typescript-fetch": Kind(_typescript_fetch, (NODE,)),
    "php": Kind(_php, PHP),
    "go": Kind(_go, (GO,)),
}
SHOPS = [name for name in KINDS if name != "pydantic"]
"""The clients that send requests."""


class Shop:
    """A client's program, running."""

    def __init__(self, client: Client, url: str, key: str) -> None:
        self._process = subprocess.Popen(
            client.program,
            cwd=client.folder,
            env=environment(O2O_URL=url, O2O_KEY=key),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, do: str, **order: Any) -> Any:
        """What the client read. Fails with what its program complained of."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            process.wait(PATIENCE_SECONDS)
        assert line, process.stderr.read()
        return json.loads(line)

    def close(self) -> None:
        """End the program."""
        self._process.communicate(timeout=PATIENCE_SECONDS)


def without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A record without some of its fields."""
    return {name: each for name, each in value.items() if name not in names}
