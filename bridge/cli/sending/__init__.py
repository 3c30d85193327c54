"""What `sab submit` does with several clips: jobs that are followed, and lists of clips from scripts."""
