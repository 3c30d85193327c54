"""Notes of a piano by transkun's network, where the extra `piano` is installed; else by basic-pitch's."""
