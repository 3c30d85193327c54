"""`python -m bridge` is the command `sab`."""

from bridge.cli import main

if __name__ == "__main__":
    main()
