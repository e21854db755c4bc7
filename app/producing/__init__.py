"""What the producer is made of: contract, partitioners, lanes, clients, rebuild."""
