"""The engine names that the bridge itself relies on."""

#: Opens `PREFERRED`, or `DRAFT` if its weights cannot be had.
AUTO = "auto"
PREFERRED = "htdemucs"
#: The engine without weights, which is always there.
DRAFT = "draft"
