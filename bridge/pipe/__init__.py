"""The pipe between a running bridge and the screens in other processes of the same account.

doorway   the socket that a bridge's own folder holds: how it is opened, found, and kept to this account
messages  what is said on it, as values in frames
methods   the table of what a screen may ask
server    the bridge's side
remote    the screen's side: a `protocols.Bridge` whose jobs and status are kept up to date by events
client    finds a bridge and connects to it
"""
