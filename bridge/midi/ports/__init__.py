"""Virtual MIDI ports by RtMidi or sample-accurately on JACK, their layout, and checks of the JACK server."""
