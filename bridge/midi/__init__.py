"""Virtual MIDI ports and the process that plays notes on them.

`schedule` is pure; `ports` opens the MIDI ports; `sync` follows the DAW's position and tempo; `player` runs in the
process `python -m bridge.midi`; `client` controls that process from the main process.
"""
