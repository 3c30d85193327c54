-- @description Source Audio Bridge: separate the selected items into vocals and the song without them
-- As source_audio_bridge_take_apart.lua, but for two stems: the vocals, and the instrumental. Import them in the same way.

local here = debug.getinfo (1, "S").source:match ("^@(.*[/\\])") or ""
assert (loadfile (here .. "source_audio_bridge_take_apart.lua")) ({ stems = "vocals,instrumental" })
