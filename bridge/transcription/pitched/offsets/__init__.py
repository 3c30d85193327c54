"""When a note is released: signs in its envelope, and the earliest of them."""
