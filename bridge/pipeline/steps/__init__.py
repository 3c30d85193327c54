"""The steps of a job, in the order of `pipeline.job`: opening, obtaining, transcribing, writing, storing."""
