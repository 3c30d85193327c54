"""Networks on OpenVINO: converted once from the checkpoint, cached, and run."""
