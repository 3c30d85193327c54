"""The bridge's OSC face: `addresses` is the table of what is understood and said, `server` listens, `client` asks."""
