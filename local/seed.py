"""Adds the demo storefront. Runs in a worker, with a function's environment and layer."""

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
    """Return the ``api_key`` and the ``webhook_secrets`` of the storefront in the event.

    A missing storefront is added. The key is the one in the event if it is still valid, else a new
    one. Webhooks go to the console, unless the storefront has another endpoint.
    """
    store = Store(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
    name, api_key = event["storefront_id"], event.get("api_key", "")
    storefronts = DynamoStorefrontStore(store)
    manage = ManageStorefronts(storefronts=storefronts, clock=wiring.clock, entropy=SystemEntropy())
    if storefronts.get_storefront(name) is None:
        manage.add(name, event["name"])
    if AuthorizeStorefront(storefronts=storefronts)(f"Bearer {api_key}") is None:
        api_key = manage.issue_key(name).api_key
    endpoint = _endpoint(DynamoEndpointStore(store), name, event["console_url"] + WEBHOOKS)
    signing = Signing(boto3.client("secretsmanager"), os.environ["SIGNING_SECRET_NAME"])
    versions = endpoint.secret_versions(wiring.clock())
    return {
        "api_key": api_key,
        "webhook_secrets": [signing.webhook_secret(name, version) for version in versions],
    }


def _endpoint(endpoints: DynamoEndpointStore, storefront_id: str, url: str) -> Endpoint:
    """The storefront's endpoint; if it is the console, it follows the console's port."""
    endpoint = endpoints.get_endpoint(storefront_id)
    if endpoint is None:
        endpoint = Endpoint(storefront_id=storefront_id, url=url)
    elif endpoint.url != url and endpoint.url.endswith(WEBHOOKS):
        endpoint = endpoint.point_to(url)
    else:
        return endpoint
    endpoints.save_endpoint(endpoint)
    return endpoint
