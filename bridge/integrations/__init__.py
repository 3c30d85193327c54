"""Integrations for DAWs: scripts for Ardour and REAPER, the device for Live, and their installation."""
