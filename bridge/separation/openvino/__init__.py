"""Networks on OpenVINO: converted once from the checkpoint, kept, and run."""
