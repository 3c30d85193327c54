"""Quality of stems, notes, drums and tempo, scored against ground truth."""
