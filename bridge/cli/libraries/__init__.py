"""`sab library`, and what it tells."""
