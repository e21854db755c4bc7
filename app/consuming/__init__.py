"""What runs a routing table: groups, partitions, offsets, retries, dead letters."""
