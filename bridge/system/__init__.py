"""Operating system services: atomic files, sockets, clocks, and telemetry switched off."""
