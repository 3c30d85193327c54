"""The terminal screen: it hosts a running bridge, shows what it does, and passes on what a musician asks for.

hosted      what it needs of the program that opens it
paths       what a terminal pastes when a file is dropped on it
state       everything on the screen, as a fold of the bridge's events
coalesce    keeps fast progress from becoming fast drawing
render/     values → text; knows no Textual
widgets/    attributes come down, messages go up
screens/    the workplace and its dialogs
terminal    what lies between Textual and the terminal: driver reads the keyboard, harmless is the last gate
app         the switchboard between them
"""
