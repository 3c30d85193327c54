"""The bridge over HTTP: jobs, their events and files, and the OSCQuery tree."""
