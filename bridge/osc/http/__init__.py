"""The bridge over HTTP: the OSCQuery tree and JSON views, read-only."""
