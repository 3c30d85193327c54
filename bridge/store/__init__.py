"""Job stores: each job is the list of its events, in memory and in a database that outlives every crash."""
