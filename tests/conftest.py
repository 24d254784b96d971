"""What every test can count on."""

import os

from tests.support import examples

# Read once, by whichever test is the first to load a function or what its handler needs.
os.environ["POWERTOOLS_SERVICE_NAME"] = "o2o"
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "O2O"

examples.register()
