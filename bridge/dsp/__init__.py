"""Signal processing that several rooms share: peaks, reads beyond a clip's edges."""
