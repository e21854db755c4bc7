"""The seam to Kafka: what the service needs of a client, and the aiokafka clients that do it."""
