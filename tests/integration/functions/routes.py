"""The API's routes, each as a function and an event of `events/`."""

STOREFRONTS = (
    ("generate_code", "alfa"),
    ("read_codes", "one"),
    ("read_codes", "list"),
    ("read_codes", "payments"),
    ("read_codes", "channels"),
    ("read_payments", "day"),
    ("read_payments", "receipt"),
    ("resolve_payment", "refunded"),
    ("read_books", "list"),
    ("read_books", "one"),
    ("cancel_code", "cancel"),
    ("refresh_code", "refresh"),
    ("explain_payment", "how_to_pay"),
    ("browse_events", "list"),
    ("browse_events", "one"),
    ("browse_events", "redeliver_range"),
)
CUSTOMERS = (
    ("show_code", "page"),
    ("show_code", "head"),
    ("show_code", "status"),
)
DOKUS = (
    ("receive_notification", "alfa_paid"),
    ("answer_inquiry", "alfa"),
)
ANYBODYS = (
    ("describe_api", "openapi"),
    ("describe_api", "docs"),
    ("describe_api", "problem"),
)
