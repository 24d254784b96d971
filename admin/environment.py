"""Run a use case as a function of the stack would: with its environment, and your credentials.

A deployed function's settings are asked of Lambda, so that a command never works by other
rules than the stack itself.
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from admin.target import Target, UnreachableStack
from local.clock import SharedClock
from o2o.adapters.system import system_clock
from o2o.entry import wiring
from o2o.entry.observability import logger


@dataclass(frozen=True, slots=True)
class StackEnvironment:
    """A stack from inside: what it puts out, and clients that reach its services."""

    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        """A client, by the environment that is in force."""
        return boto3.session.Session().client(service)  # type: ignore[call-overload]


@contextmanager
def environment(target: Target, *functions: str) -> Iterator[StackEnvironment]:
    """Take on the environment of these functions, named as the template names them.

    Raises UnreachableStack.
    """
    variables, found = _on_aws(target, functions) if target.stack else _local(target, functions)
    before = dict(os.environ)
    wiring.forget_clients()
    os.environ.update(variables)
    if not target.stack:
        wiring.use_clock(SharedClock(target.state_dir / "clock").now)
    try:
        with _logs_aside():
            yield found
    finally:
        os.environ.clear()
        os.environ.update(before)
        wiring.use_clock(system_clock)
        wiring.forget_clients()


@contextmanager
def _logs_aside() -> Iterator[None]:
    """What a function would log goes to standard error, and only what is wrong."""
    handlers = [each for each in logger.handlers if isinstance(each, logging.StreamHandler)]
    before = logger.log_level, [each.stream for each in handlers]
    logger.setLevel(logging.WARNING)
    for handler in handlers:
        handler.stream = sys.stderr
    try:
        yield
    finally:
        level, streams = before
        logger.setLevel(level)
        for handler, stream in zip(handlers, streams, strict=True):
            handler.stream = stream


def _on_aws(target: Target, functions: tuple[str, ...]) -> tuple[dict[str, str], StackEnvironment]:
    session = target.session()
    outputs = target.outputs(session)
    environment = {"AWS_PROFILE": target.profile, "AWS_DEFAULT_REGION": session.region_name}
    for function in functions:
        alias = outputs.get(f"{function}Alias")
        if alias is None:
            raise UnreachableStack(
                f"the stack has no output {function}Alias: it is of an older version"
            )
        answer = session.client("lambda").get_function_configuration(FunctionName=alias)
        environment |= answer["Environment"]["Variables"]
    return {name: value for name, value in environment.items() if value}, StackEnvironment(outputs)


def _local(target: Target, functions: tuple[str, ...]) -> tuple[dict[str, str], StackEnvironment]:
    about = target.local_stack()
    environment: dict[str, str] = {}
    for function in functions:
        environment |= about["functions"][f"{function}Function"]
    return environment, StackEnvironment(about["outputs"])
