"""The clip that `sab demo` takes apart; `tools/make_demo_clip.py` made it."""
