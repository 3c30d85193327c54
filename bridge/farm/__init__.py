"""The farm: jobs computed by the machines of a studio, over Dask distributed (docs/farm.md).

Only the processes of the farm itself load Dask: `client` talks to one of them.
"""
