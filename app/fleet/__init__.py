"""Every instance of the service seen from each: reports, history, errors and commands travel through Kafka topics."""
