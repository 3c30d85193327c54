"""Builds the device from a readable description: `python -m max_for_live.generator FOLDER`.

`description` lists the contents of the device, `patcher` converts them to Max's JSON, `script` bundles the modules in
`code` into one file, `chunks` and `frozen` encode the bytes; `validator` reads these back and finds what Max would drop
without an error; `picture` draws the face. The same sources give the same bytes.
"""
