"""What is put into DAWs: scripts for Ardour and REAPER, the device for Live, and how they are installed."""
