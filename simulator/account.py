"""The simulated DOKU account: what every part of the simulator works with."""

from dataclasses import dataclass

from simulator.catalogue import Catalogue
from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.faults import Faults
from simulator.merchant_urls import MerchantUrls
from simulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One merchant's account at DOKU: its settings, its records, its clock."""

    config: SimulatorConfig
    catalogue: Catalogue
    clock: Clock
    store: Store
    faults: Faults
    notification_urls: MerchantUrls
    inquiry_urls: MerchantUrls
    base_url: str
    """Start of the how-to-pay links, without a slash at the end."""
