"""A broker that the service brings along: Apache Kafka as a child process, or librdkafka's in-memory mock."""
