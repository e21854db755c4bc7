"""Instances of the real service under load for minutes, while they and their brokers are hurt at random."""
