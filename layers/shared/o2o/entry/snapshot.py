"""What is done before Lambda takes a snapshot, so that nobody waits for it after a restore.

Nothing secret and nothing drawn by chance may be read meanwhile: all that are restored share it
(decision 0098).
"""

import gc
import os


def is_taken() -> bool:
    """Whether a snapshot will be taken of this process, once it has started."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def settle() -> None:
    """All that is here stays for good: no garbage collection need look at it again.

    The first call of many a restore would otherwise bring the one that looks at everything.
    """
    if is_taken():
        gc.collect()
        gc.freeze()
