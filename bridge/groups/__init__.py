"""Groups: several jobs that one client submitted under one name."""
