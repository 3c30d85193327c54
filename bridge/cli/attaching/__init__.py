"""`sab` and bridges in other processes: attaching to one, leaving one in the background, ending one."""
