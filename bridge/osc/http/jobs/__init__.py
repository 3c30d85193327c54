"""Jobs over HTTP: submitting, files, events."""
