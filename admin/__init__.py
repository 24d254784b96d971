"""The operator's command line."""

import sys
from pathlib import Path

# On Lambda the layer is on the path by itself.
sys.path.append(str(Path(__file__).parent.parent / "layers" / "shared"))
