"""``python -m tools.drills``: walk the drills that are named, or all; exit with 1 if one fails."""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType

from rich.console import Console

from tools.drills.frame import DrillFailed, run


def drills() -> dict[str, ModuleType]:
    """The drills by their names: the modules that have ``walk``."""
    names = sorted(each.stem for each in Path(__file__).parent.glob("[!_]*.py"))
    modules = {name: import_module(f"tools.drills.{name}") for name in names}
    return {
        name.replace("_", "-"): module
        for name, module in modules.items()
        if hasattr(module, "walk")
    }


def title(module: ModuleType) -> str:
    """What a drill is, in a sentence."""
    return (module.__doc__ or "").partition("\n")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk drills one after the other; the exit code."""
    known = drills()
    parser = argparse.ArgumentParser(
        prog="python -m tools.drills",
        description="Drills, each on a temporary local stack. The running one is left alone.",
    )
    parser.add_argument("names", nargs="*", metavar="drill", help=f"{', '.join(known)}, or all")
    parser.add_argument("--list", action="store_true", help="tell what each drill is, and end")
    options = parser.parse_args(arguments)
    console = Console(width=150)
    if options.list:
        for name, module in known.items():
            console.print(f"{name:<14} {title(module)}", highlight=False)
        return 0
    names = list(known) if options.names in ([], ["all"]) else options.names
    if unknown := [each for each in names if each not in known]:
        parser.error(f"there is no drill {', '.join(unknown)}; --list tells which there are")
    return max(_walk(name, known[name], console) for name in names)


def _walk(name: str, module: ModuleType, console: Console) -> int:
    console.print(f"\n[bold]{name}[/]: {title(module)}")
    try:
        run(module.walk, console)
    except DrillFailed as reason:
        console.print(f"drill {name}: {reason}", style="bold red", markup=False)
        return 1
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that the stack ends, too."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("drill: ended half-way.")
