"""A simulator of DOKU's Online-to-Offline API: standard library only, independent of o2o.

From a program::

    from simulator import Simulator, SimulatorConfig

    with Simulator(SimulatorConfig(client_id="MCH-1", secret_key="SK-1")) as doku:
        print(doku.url)

From a shell: ``python -m simulator --help``. See docs/simulator.md.
"""

from simulator.app import Simulator
from simulator.channels import BINS, CHANNELS, Bin, Channel
from simulator.config import SimulatorConfig
from simulator.errors import ConfigError, StartError

__all__ = [
    "BINS",
    "CHANNELS",
    "Bin",
    "Channel",
    "ConfigError",
    "Simulator",
    "SimulatorConfig",
    "StartError",
]
