"""What is done before Lambda takes a snapshot, so that nobody waits for it after a restore.

Nothing secret and nothing drawn by chance may be read meanwhile: all that are restored share it
(decision 0098).
"""

import gc
import os

_AHEAD = {"provisioned-concurrency", "snap-start"}


def starts_ahead() -> bool:
    """Whether nobody waits for this start: Lambda takes a snapshot then, or keeps the process."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") in _AHEAD


def settle() -> None:
    """All that is here stays for good: no garbage collection need look at it again.

    The first call of many a restore would otherwise bring the one that looks at everything.
    """
    if starts_ahead():
        gc.collect()
        gc.freeze()
