"""Pictures of the screen for the pages, of a real `sab` in a real terminal, with real jobs: `make screenshots`."""
