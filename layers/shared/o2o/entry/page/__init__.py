"""The customer's page. Only the function that serves it imports this: Jinja takes its time."""
