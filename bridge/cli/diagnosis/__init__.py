"""What shows the state of this installation: `sab doctor`, its bundle for bug reports, and `sab log`."""
