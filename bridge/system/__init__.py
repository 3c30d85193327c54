"""What the bridge asks of the computer: whole files, sockets, the clock, and that its libraries keep quiet."""
