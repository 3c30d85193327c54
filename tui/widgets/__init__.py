"""The widgets of the main screen: attributes down, messages up; `tui.render` makes their text."""
