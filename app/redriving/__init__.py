"""Dead letters go back: each at most once, whatever is killed meanwhile."""
