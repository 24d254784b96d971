"""Events by their keys."""

from emulator.shapes import by_source, differences, examples


def test_keys_are_found_wherever_they_stand_but_not_in_the_data_s_own_objects():
    records = [
        {"eventSource": "aws:sqs", "body": "{}", "messageAttributes": {"mine": 1}},
        {"eventSource": "aws:sqs", "attributes": {"SentTimestamp": "1"}},
    ]
    assert by_source([{"Records": records}]) == {
        "sqs": {
            "Records",
            "Records[].attributes",
            "Records[].attributes.SentTimestamp",
            "Records[].body",
            "Records[].eventSource",
            "Records[].messageAttributes",
        }
    }


def test_the_sources_are_told_apart():
    assert set(examples()) == {"API", "authorizer", "dynamodb", "schedule", "sqs"}


def test_a_key_that_only_one_has_is_told_with_its_source():
    assert differences(
        {"API": {"path", "resource"}, "sqs": {"Records"}}, {"API": {"path", "version"}}
    ) == ["API +version", "API -resource", "sqs -Records"]
