"""The steps of a job that `pipeline.job` takes one after another, each a function of the open job."""
