"""The sync sources of playback: MIDI clock, JACK transport and Ableton Link, each as a timeline."""
