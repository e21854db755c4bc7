"""Looking into topics: pages of messages by place or time, one message, a live tail. Never through the consumers."""
