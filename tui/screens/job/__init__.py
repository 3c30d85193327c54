"""An opened job: its stems as a mixer, its notes as a roll, and the settings that they are read with."""
