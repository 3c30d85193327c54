"""The commands' output: writing to the terminal, tables and progress bars, and the report of a job."""
