"""Storefronts' rate limits, on API Gateway: an API key object for each, in the stack's usage plan.

No caller ever sends the value of such an object: the authorizer names it, and it is no secret.
"""

from typing import Any

from o2o.usecases.ports import RateLimits


class UsagePlan(RateLimits):
    """The usage plan of the stack ``stack_name``, behind a client that is passed in.

    Errors of API Gateway's own are ClientErrors.
    """

    def __init__(self, client: Any, plan_id: str, stack_name: str) -> None:
        self._client = client
        self._plan_id = plan_id
        self._stack_name = stack_name

    def open(self, storefront_id: str) -> str:
        # By its name, so that a command that broke off and is repeated makes no second one.
        name = f"{self._stack_name}/{storefront_id}"
        key_id, value = self._find(name) or self._create(name)
        if not self._is_in_the_plan(key_id):
            self._client.create_usage_plan_key(
                usagePlanId=self._plan_id, keyId=key_id, keyType="API_KEY"
            )
        return value

    def _find(self, name: str) -> tuple[str, str] | None:
        pages = self._client.get_paginator("get_api_keys")
        for page in pages.paginate(nameQuery=name, includeValues=True):
            for key in page["items"]:
                if key["name"] == name:  # the query takes it for a beginning
                    return key["id"], key["value"]
        return None

    def _create(self, name: str) -> tuple[str, str]:
        made = self._client.create_api_key(
            name=name,
            description="Counts the requests of a storefront of O2O; nobody sends it.",
            enabled=True,
        )
        return made["id"], made["value"]

    def _is_in_the_plan(self, key_id: str) -> bool:
        pages = self._client.get_paginator("get_usage_plan_keys")
        return any(
            key["id"] == key_id
            for page in pages.paginate(usagePlanId=self._plan_id)
            for key in page["items"]
        )
