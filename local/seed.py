"""The demo storefront. Runs inside a worker, with the environment and the layer of a function."""

import os
from typing import Any

import boto3

from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.signing import Signing
from o2o.adapters.system import SystemEntropy
from o2o.core.endpoints import Endpoint
from o2o.entry import wiring
from o2o.usecases.authorize_storefront import AuthorizeStorefront
from o2o.usecases.manage_storefronts import ManageStorefronts

WEBHOOKS = "/_local/webhooks"


def handler(event: dict[str, str], _context: object) -> dict[str, Any]:
    """Answer an ``api_key`` and the ``webhook_secrets`` of the storefront in the event.

    The key is the one in the event, if it still opens the door. In an empty table the storefront
    is added first. Its events go to the console, unless somebody gave it an endpoint of its own.
    """
    store = Store(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
    name, known = event["storefront_id"], event.get("api_key", "")
    storefronts = DynamoStorefrontStore(store)
    manage = ManageStorefronts(storefronts=storefronts, clock=wiring.clock, entropy=SystemEntropy())
    if storefronts.get_storefront(name) is None:
        manage.add(name, event["name"])
    if AuthorizeStorefront(storefronts=storefronts)(f"Bearer {known}") is None:
        known = manage.issue_key(name).api_key
    endpoint = _endpoint(DynamoEndpointStore(store), name, event["console_url"] + WEBHOOKS)
    signing = Signing(boto3.client("secretsmanager"), os.environ["SIGNING_SECRET_NAME"])
    versions = endpoint.secret_versions(wiring.clock())
    return {
        "api_key": known,
        "webhook_secrets": [signing.webhook_secret(name, version) for version in versions],
    }


def _endpoint(endpoints: DynamoEndpointStore, storefront_id: str, url: str) -> Endpoint:
    """The endpoint; that of a console follows the console to another port."""
    endpoint = endpoints.get_endpoint(storefront_id)
    if endpoint is None:
        endpoint = Endpoint(storefront_id=storefront_id, url=url)
    elif endpoint.url != url and endpoint.url.endswith(WEBHOOKS):
        endpoint = endpoint.point_to(url)
    else:
        return endpoint
    endpoints.save_endpoint(endpoint)
    return endpoint
