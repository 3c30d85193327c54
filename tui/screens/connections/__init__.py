"""The screen Connections: who talks to the bridge, the wire, the ports, the DAW, the machine."""
