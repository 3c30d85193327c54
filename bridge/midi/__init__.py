"""Notes out of the bridge and into a DAW: virtual ports, and a process of its own that keeps the time.

`schedule` is pure; `ports` opens the MIDI ports; `sync` says where the music is; `player` runs in the process
`python -m bridge.midi`; `client` is what the main process holds of it.
"""
