"""A function's handler in the process of a benchmark, and what Lambda passes to it."""

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from tools.build import ROOT

Handler = Callable[[dict[str, Any], object], Any]


class Context:
    """Lambda's context, of a call that always has a quarter of a minute."""

    function_name = function_version = aws_request_id = "benchmark"
    invoked_function_arn = "arn:aws:lambda:ap-southeast-3:123456789012:function:benchmark"
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        """Always the same: nothing here waits."""
        return 15_000


def load(function: str) -> Handler:
    """The handler in a function's folder, by the settings that the environment has now."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"{function}_benchmark", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} can't be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.lambda_handler
    return handler
