"""Small services to read and to run."""
