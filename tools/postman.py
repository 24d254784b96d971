"""A Postman collection of the API, from its OpenAPI document: docs/postman.json.

    python -m tools.postman

writes it anew (`make openapi`); a test holds it to the document. Its variables are `url` and
`key`; a request that makes a payment code remembers its invoice number for the others.
"""

import json
import re
from typing import Any

from tools.openapi import DOCUMENT, operations

Json = dict[str, Any]

COLLECTION = DOCUMENT.with_name("postman.json")
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

VARIABLES = {
    "url": "http://127.0.0.1:8000",
    "key": "",
    "invoice_number": "",
    "event_id": "",
    "token": "",
    "slug": "invalid-request",
}
"""What a request may need, and its first value."""

# A new invoice number each time, or the second click would be a repetition.
BEFORE_CREATE = "pm.collectionVariables.set('invoice_number', 'INV-' + Date.now());"
AFTER_CREATE = """\
const code = pm.response.json();
if (code.pay_url) pm.collectionVariables.set('token', code.pay_url.split('/').pop());"""


def collection(document: Json) -> Json:
    """The collection: a folder for each tag."""
    requests: dict[str, list[Json]] = {tag["name"]: [] for tag in document["tags"]}
    for route, operation in operations(document):
        (tag,) = operation["tags"]
        method, path = route.split(" ")
        requests[tag].append(request(method, path, operation))
    return {
        "info": {
            "name": f"{document['info']['title']} API",
            "description": document["info"]["description"],
            "version": document["info"]["version"],
            "schema": SCHEMA,
        },
        "auth": {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}],
        },
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
        "item": [{"name": tag, "item": items} for tag, items in requests.items()],
    }


def request(method: str, path: str, operation: Json) -> Json:
    """One request, ready to be sent."""
    names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
    if missing := set(names) - VARIABLES.keys():
        raise ValueError(f"tools/postman.py has no variable {sorted(missing)}")
    filled = re.sub(r"\{(\w+)\}", r"{{\1}}", path)
    query = [
        {"key": each["name"], "value": "", "disabled": True}
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    ]
    told: Json = {
        "method": method,
        "description": operation.get("description", operation["summary"]),
        "url": {
            "raw": "{{url}}" + filled,
            "host": ["{{url}}"],
            "path": filled.strip("/").split("/"),
            **({"query": query} if query else {}),
        },
    }
    if operation.get("security") == []:
        told["auth"] = {"type": "noauth"}
    item: Json = {"name": operation["summary"], "request": told}
    if media := operation.get("requestBody", {}).get("content", {}).get("application/json"):
        told["header"] = [{"key": "Content-Type", "value": "application/json"}]
        told["body"] = {
            "mode": "raw",
            "raw": json.dumps(body(operation, media), indent=2, ensure_ascii=False),
            "options": {"raw": {"language": "json"}},
        }
    if operation["operationId"] == "create_payment_code":
        item["event"] = [
            script("prerequest", BEFORE_CREATE),
            script("test", AFTER_CREATE),
        ]
    return item


def body(operation: Json, media: Json) -> Json:
    """The first example of the documents, with the collection's own variables in it."""
    if operation["operationId"] == "redeliver_events":
        return {"event_ids": ["{{event_id}}"]}
    examples = [each["value"] for each in media.get("examples", {}).values()]
    if not examples:
        raise ValueError(f"docs/api.md has no example for {operation['operationId']}")
    return {
        name: "{{invoice_number}}" if name == "invoice_number" else value
        for name, value in examples[0].items()
    }


def script(listen: str, text: str) -> Json:
    """Something that Postman does before or after a request."""
    return {"listen": listen, "script": {"type": "text/javascript", "exec": text.splitlines()}}


def generate() -> str:
    """The text of the file."""
    document = json.loads(DOCUMENT.read_text("utf-8"))
    return json.dumps(collection(document), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the file anew."""
    COLLECTION.write_text(generate(), "utf-8")


if __name__ == "__main__":
    main()
