"""What a shell knows of `sab`: completion."""
