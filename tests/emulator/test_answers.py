"""Two stacks' answers, compared."""

import requests

from emulator.answers import comparable, differences


def answer(body: str, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = 201
    made._content = body.encode()
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


def test_what_differs_from_run_to_run_is_no_difference():
    one = answer(
        '{"payment_code":"8123456789012345","created_at":"2026-11-28T15:49:51Z",'
        '"pay_url":"https://pay.example.com/pay/ab-c.de_f"}',
        Date="Sat, 28 Nov 2026 15:34:53 GMT",
        Location="/v1/payment-codes/SAME-1",
    )
    other = answer(
        '{"payment_code":"8888888888888888","created_at":"2026-11-28T16:00:00.5Z",'
        '"pay_url":"http://127.0.0.1:4000/v1/pay/xx.yy"}',
        Location="/payment-codes/SAME-1",
        X_Amzn_RequestId="1",
    )
    assert comparable(one) == comparable(other)


def test_what_differs_otherwise_is_one_line_for_each_part():
    ours = {"a code": comparable(answer('{"items":[{"a":1}]}', Retry_After="1"))}
    theirs = {"a code": comparable(answer('{"items":[{"a":null},{}]}'))}
    assert differences(ours, theirs) == [
        "a code: body.items[0].a: 1 is null",
        "a code: body.items[]: 1 is 2",
        'a code: header retry-after: "1" is null',
    ]


def test_of_a_page_the_headers_are_compared():
    page = {"Content_Type": "text/html; charset=utf-8"}
    assert comparable(answer("<p>1", **page)) == comparable(answer("<p>2", **page))
