"""Job stores: each job is the list of its events, in memory and in a journal file that can be replayed."""
