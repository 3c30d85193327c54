"""The folders that jobs write to: held open, claimed for one job, and looked at from nowhere else."""
