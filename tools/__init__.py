"""What the developers run now and then: scripts that make files, none of which the bridge needs."""
