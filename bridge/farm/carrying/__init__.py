"""Songs for a machine that shares no folder: the clip goes there by the hash of its content, the results come back.

values      what is carried, and how much at once
bench       the machine's side: a bounded store of clips, and a folder for each song
serving     the calls that a machine answers
sending     the clip's way there
receiving   the results' way back, into a folder that is claimed here as for a job of this machine
carrier     one song from its clip to its files

Nothing here loads Dask; what receives loads numpy with the pipeline, and runs in the client process.
"""
