"""The terminal screen: it hosts a running bridge, shows its state, and sends it the user's requests.

host          the interface that the opening program provides
app           the switchboard between bridge and screen
host_task     the task in which the bridge runs
boundary      every exception of the bridge as a BridgeError
submission    submits several files
availability  which actions are possible now
state         everything on the screen, as a fold of the bridge's events
log_lines     the log's sentence for each event
coalesce      limits how often events redraw the screen
keys          the table of keys, for the footer, the help and the command palette
commands      the command palette
paths         file paths in text that was typed, pasted or dropped
peaks         reads the stems of a job that plays live, while they grow
themes        the colours
render/       values → text; independent of Textual
widgets/      the parts of the main screen: attributes down, messages up
screens/      the main screen and its dialogs
terminal      the adapter between Textual and the terminal: driver decodes the input, line_filter cleans the output
"""
