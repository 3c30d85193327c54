"""The worker: `python -m bridge.worker`, one job at a time, models kept warm between jobs."""
