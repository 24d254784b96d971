"""The API's models: what storefronts send and see. OpenAPI is generated from them."""
