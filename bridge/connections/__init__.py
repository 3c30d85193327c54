"""Who talks to the bridge, and what the machine does: values, and what gathers them while somebody looks."""
