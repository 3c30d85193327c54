"""The engine names that the bridge itself relies on."""

#: Opens `PREFERRED` if it is on this machine, otherwise `GOOD`.
AUTO = "auto"
PREFERRED = "htdemucs"
#: Comes with the installation: trained networks for the vocals, and `DRAFT` for the rest.
GOOD = "good"
#: The engine without weights, which is always there.
DRAFT = "draft"
#: The trained networks alone: vocals, and the rest as one stem.
SPLEETER = "spleeter"
