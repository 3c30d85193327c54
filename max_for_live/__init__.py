"""The Max for Live device: its script (`code`), and what builds, checks and draws it (`generator`)."""
