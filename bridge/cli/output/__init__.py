"""What the commands print: the one door to the terminal, tables and bars, and a job's progress and outcome."""
