"""Take the roots of Amazon's own certificates out of certifi: `python -m tools.amazon_roots`.

Writes layers/shared/o2o/adapters/amazon_roots.pem, which AWS's clients trust on Lambda, and nothing
else (decision 0090). A root is known by the SHA-256 of its certificate, as Amazon publishes it at
https://www.amazontrust.com/repository/.
"""

import re
import ssl
import sys
from hashlib import sha256
from pathlib import Path

import certifi

from tools.life_cycle import ROOT

ROOTS = ROOT / "layers" / "shared" / "o2o" / "adapters" / "amazon_roots.pem"
FINGERPRINTS = {
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e": "Amazon Root CA 1",
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4": "Amazon Root CA 2",
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4": "Amazon Root CA 3",
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092": "Amazon Root CA 4",
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5": (
        "Starfield Services Root Certificate Authority - G2"
    ),
}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


def roots() -> str:
    """The file as it should be. Raises LookupError if certifi has one of them no longer."""
    found = {
        sha256(ssl.PEM_cert_to_DER_cert(each)).hexdigest(): each
        for each in _CERTIFICATE.findall(Path(certifi.where()).read_text("ascii"))
    }
    missing = [name for digest, name in FINGERPRINTS.items() if digest not in found]
    if missing:
        raise LookupError(f"certifi no longer has {', '.join(missing)}")
    return "".join(f"# {name}\n{found[digest]}" for digest, name in FINGERPRINTS.items())


if __name__ == "__main__":
    try:
        ROOTS.write_text(roots(), "ascii")
    except LookupError as error:
        sys.exit(str(error))
