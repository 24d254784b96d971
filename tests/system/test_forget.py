"""Who asks to be forgotten is, on the whole local stack: the table, the archive and its files."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from local.aws import client
from o2o.adapters.doku import signature
from tests.support.items import readable
from tests.support.local_stack import LocalStack, run_module
from tests.support.patience import CALL_SECONDS

CUSTOMER = {"name": "Anton Budiman", "email": "anton@example.com"}


def notify(stack: LocalStack, code: dict[str, Any]) -> None:
    """DOKU notifies a payment, and names the customer, which it is not known to do."""
    body = json.dumps(
        {
            "transaction": {"status": "SUCCESS", "date": "2026-03-01T03:10:00Z"},
            "order": {"invoice_number": code["invoice_number"], "amount": code["amount"]},
            "online_to_offline_info": {"payment_code": code["payment_code"]},
            "customer": CUSTOMER,
        }
    ).encode()
    url, at = stack.about["notification_url"], "2026-03-01T03:10:05Z"
    path = url[url.index("/", len("http://")) :]
    client_id, key = stack.about["doku"]["client_id"], stack.about["doku"]["secret_key"]
    text = signature.component(
        client_id=client_id, request_id="r-1", timestamp=at, target=path, body=body
    )
    headers = {"Client-Id": client_id, "Request-Id": "r-1", "Request-Timestamp": at}
    answer = stack.http.post(
        url,
        data=body,
        headers=headers | {"Signature": signature.sign(key, text)},
        timeout=CALL_SECONDS,
    )
    assert (answer.status_code, answer.json()) == (200, {"received": "settled"})


def everything(stack: LocalStack) -> str:
    """All that the table, every version in the archive and the stack's files tell."""
    table = stack.about["outputs"]["TableName"]
    items = stack.dynamodb().scan(TableName=table, ConsistentRead=True)["Items"]
    s3, bucket = client("s3", stack.about["aws_url"]), stack.about["outputs"]["ArchiveBucketName"]
    told = [json.dumps(readable(items))]
    for each in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        content = s3.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
        told.append(content["Body"].read().decode())
    told += [file.read_text() for file in Path(stack.folder).rglob(f"{bucket}/**/*.json")]
    documents = [json.loads(each) for each in told[1:]]
    return "\n".join(told + [b64decode(each["body_base64"]).decode() for each in documents])


def test_all_of_an_address_is_forgotten(fresh_stack: LocalStack) -> None:
    stack = fresh_stack
    paid = stack.create(customer=CUSTOMER, metadata={"for": "Anton Budiman"})
    lives = stack.create(customer=CUSTOMER)
    other = stack.create(customer={"name": "Siti"})
    notify(stack, paid)
    stack.becomes(paid["invoice_number"], "paid")
    assert everything(stack).count("anton@example.com") > 1

    admin = ("admin", "--state-dir", str(stack.folder))
    forget = (*admin, "codes", "forget", "--email", "Anton@Example.com", "--yes")
    told = run_module(*forget)
    assert told.returncode == 1
    assert f"{lives['invoice_number']} was not touched: it is active" in told.stderr
    assert "personal data was taken from 1 messages" in told.stdout
    assert run_module(*admin, "codes", "cancel", lives["invoice_number"]).returncode == 0
    told = run_module(*forget)
    assert (told.returncode, "1 orders are forgotten" in told.stdout) == (0, True), told.stderr

    left = everything(stack)
    for gone in ("Anton", "anton", "Budiman"):
        assert gone not in left
    view = stack.get(paid["invoice_number"])
    assert (view["status"], view["customer"], view["payments_count"]) == ("paid", None, 1)
    assert stack.get(other["invoice_number"])["customer"]["name"] == "Siti"
    replayed = run_module(*admin, "--json", "archive", "replay")
    assert (replayed.returncode, json.loads(replayed.stdout)["forgotten"]) == (0, 1)
    audit = run_module(*admin, "--json", "audit", "--command", "codes forget").stdout
    assert "anton" not in audit.casefold()
    assert [each["outcome"] for each in json.loads(audit)] == ["done", "failed"]
