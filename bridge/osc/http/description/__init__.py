"""The OpenAPI description of what the bridge does over HTTP."""
