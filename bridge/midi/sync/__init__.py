"""What playback can follow: MIDI clock, JACK transport, Ableton Link, each as a timeline."""
