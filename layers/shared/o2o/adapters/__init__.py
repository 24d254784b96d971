"""What the use cases' ports are in the world: DOKU, DynamoDB, Secrets Manager, SQS."""
