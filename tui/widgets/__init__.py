"""The parts of the workplace: attributes come down, messages go up; the text is made in `tui.render`."""
