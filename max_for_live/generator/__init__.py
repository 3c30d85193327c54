"""Builds the device from a readable description: `python -m max_for_live.generator FOLDER`.

`description` says what is in the device, `patcher` makes Max's JSON of it, `script` one file of the modules in `code`,
`chunks` and `frozen` the bytes; `validator` reads those again and finds what Max would drop in silence; `picture`
draws the face. The same sources give the same bytes.
"""
