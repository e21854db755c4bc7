"""What the service does, as ratios to bare clients and to other libraries, each taken in one run."""
