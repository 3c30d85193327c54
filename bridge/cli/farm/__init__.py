"""`sab farm`: the scheduler, the machines, and the certificates of a farm."""
