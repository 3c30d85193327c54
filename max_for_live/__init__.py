"""The Max for Live device: its script (`code`), and the generator that builds, checks and draws it (`generator`)."""
