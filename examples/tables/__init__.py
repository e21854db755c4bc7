"""Three tables go through HTTP into Kafka, and a consumer counts their rows by key.

    make kafka                                                    # in a terminal of its own
    export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 KAFKA_CREATE_TOPICS=true
    ROUTES=examples.tables.routing:draw .venv/bin/python -m app server    # in another
    .venv/bin/python -m examples.tables.send http://127.0.0.1:3000        # in a third

The tables are those of the package vega_datasets: the airports of the United States, and a year of hourly
temperatures of Seattle and of San Francisco.
"""
