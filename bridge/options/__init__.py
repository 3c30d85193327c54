"""The options of a job: one table, how values are read, and how a request is built from them."""
