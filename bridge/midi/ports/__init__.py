"""Virtual MIDI ports: RtMidi, and JACK to the sample; their layout, and the state of the server behind them."""
