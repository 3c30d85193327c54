"""What tests share: fakes, sounds, small models, and the real programs that they talk to."""
