"""The consumers of this service, one class per file."""
