"""A canary: sends through the running service, reads what Kafka has, and compares the two."""
