"""The OSC interface: `addresses` is the table of all messages, `server` answers them, `client` sends requests."""
