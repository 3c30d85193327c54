"""The benchmark of the screen, under the name that is easiest to find: see `benchmarks.speed.screen`."""

from benchmarks.speed.screen import main

if __name__ == "__main__":
    main()
