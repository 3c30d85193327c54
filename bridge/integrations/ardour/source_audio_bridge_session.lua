-- Sends all audio regions of some tracks to the Source Audio Bridge, without Ardour's window, for batches of songs.
--
--   ardour7-lua source_audio_bridge_session.lua SESSION_FOLDER SNAPSHOT SAMPLE_RATE TRACK [TRACK …]
--
-- SNAPSHOT usually has the folder's name. Import the results with "Source Audio Bridge: Import" when you next open the
-- session; only Ardour's editor can import files. It needs JACK (`jackd -d dummy` is enough).

local folder, snapshot, rate = arg[1], arg[2], tonumber (arg[3])
assert (rate and arg[4], "SESSION_FOLDER SNAPSHOT SAMPLE_RATE TRACK …")

function ardour () end
dofile ((debug.getinfo (1, "S").source:gsub ("^@", ""):gsub ("session%.lua$", "take_apart.lua")))

AudioEngine:set_backend ("JACK", "ardour", "")
AudioEngine:set_sample_rate (rate)
AudioEngine:start (false)
assert (load_session (folder, snapshot), "there is no session " .. folder)
local regions = {}
for index = 4, #arg do
	local route = Session:route_by_name (arg[index])
	assert (not route:isnil () and not route:to_track ():isnil (), "there is no track " .. arg[index])
	for region in route:to_track ():playlist ():region_list ():iter () do regions[#regions + 1] = region end
end
factory ({ regions = regions }) ()
regions = nil
collectgarbage () -- a session must not be closed while Lua still references its regions
close_session ()
quit ()
