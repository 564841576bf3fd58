"""The key of the service, as clients send it.

Programs send the header `Authorization: Bearer KEY`. A browser cannot add a header to a WebSocket,
so its page offers two subprotocols: `sentiment-lstm`, which the service chooses, and
`bearer.BASE64URL`, the key in base64url without padding. The key is never sent back.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from starlette.types import Scope

SUBPROTOCOL = "sentiment-lstm"


class Key:
    """Compares keys in constant time.

    Args:
        key: the right one.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._subprotocol = b"bearer." + urlsafe_b64encode(self._key).rstrip(b"=")

    def is_sent(self, scope: Scope, authorization: bytes) -> bool:
        """Whether a request or a WebSocket has the key.

        Args:
            scope: the request; that of a WebSocket holds the offered subprotocols.
            authorization: the header of this name.
        """
        scheme, _, key = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(key.strip(), self._key):
            return True
        offers = [offer.encode(errors="replace") for offer in scope.get("subprotocols", ())]
        return any(hmac.compare_digest(offer, self._subprotocol) for offer in offers)


def chosen_subprotocol(offers: Iterable[str]) -> str | None:
    """Return the subprotocol of the answer. A browser that offers some expects one."""
    return SUBPROTOCOL if SUBPROTOCOL in offers else None
