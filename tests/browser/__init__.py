"""The web page in a real browser, against the real service and a real Kafka."""
