"""Who may ask the bridge for something: secrets, proofs, accounts of this machine, addresses; docs/security.md."""
