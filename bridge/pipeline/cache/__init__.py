"""Results and analyses that are kept between jobs: the store, its keys, and how files are restored from it."""
