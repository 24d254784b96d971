"""Whether this build signs as DOKU does, and takes what is signed with our own key."""

from o2o.adapters.doku import signature
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.core.errors import UntrustedMessage
from o2o.core.notifications import DokuMessage
from o2o.usecases.ports import DokuInbox

_TARGET = "/orders/v1/status/INV-123123-12313"
_VECTOR = signature.component(
    client_id="MCH-0001-10791114622547",
    request_id="d895fb53-479c-4f77-a76a-ab81b40d77cb",
    timestamp="2020-08-11T08:45:42Z",
    target=_TARGET,
    body=None,
)
_KEY = "SK-local-test-key-0001"  # pragma: allowlist secret
_SIGNATURE = "HMACSHA256=NJGXeU1Q+g6liyl9vOTQphaAk5Y1TRUSzSrx2HPIb/I="  # pragma: allowlist secret
"""A request whose signature is known (DOKU protocol, section 2)."""


def signs_as_doku_does() -> bool:
    """Whether a known request gets its known signature."""
    return signature.sign(_KEY, _VECTOR) == _SIGNATURE


def sign_as_doku(credentials: DokuCredentials) -> DokuMessage:
    """A message with nothing in it, as DOKU would sign it for us."""
    signed = {
        signature.CLIENT_ID: credentials.client_id,
        signature.REQUEST_ID: "roll-out",
        signature.REQUEST_TIMESTAMP: "2020-08-11T08:45:42Z",
    }
    text = signature.component(
        client_id=signed[signature.CLIENT_ID],
        request_id=signed[signature.REQUEST_ID],
        timestamp=signed[signature.REQUEST_TIMESTAMP],
        target=_TARGET,
        body=b"",
    )
    headers = signed | {signature.SIGNATURE: signature.sign(credentials.secret_key, text)}
    return DokuMessage(_TARGET, headers, b"")


def check(inbox: DokuInbox, credentials: DokuCredentials) -> None:
    """Raises UntrustedMessage for what an inbox should have taken."""
    if not signs_as_doku_does():
        raise UntrustedMessage("the known request has another signature")
    inbox.verify(sign_as_doku(credentials))
