-- The steps of a user in Ardour, without a screen: sends a clip to the bridge, waits until it is separated, and records
-- what four of the bridge's ports play on four MIDI tracks at once, for as many takes as requested.
--
--   ardour7-lua ardour.lua SESSION SAMPLE_RATE [CLIP OSC_URL TAKE_SECONDS]
--
-- SESSION is a folder that does not exist yet. Without a clip, Ardour rolls with JACK's transport, if its configuration makes
-- that its transport master, and nothing is sent to the bridge. Each line on stdin is a wish: "take" records a take in which the
-- clip is played; "roll SECONDS" records from that position on, with JACK; then "free" stops JACK's transport and lets
-- Ardour roll on by itself (if both stop together, Ardour 7.3 loses the recording), until "stop". The end of stdin ends the script.
-- On stdout, lines that begin with "> " report progress: "opened", "ready", "took", "rolling", "freed" and "stopped", "recorded STEM
-- SECONDS FILE" for each track of each take, in the order of their positions, and "closed"; or "failed REASON". `ardour.py`
-- starts it and reads them.

local session_folder, sample_rate, clip, url, take_seconds = table.unpack (arg, 1, 5)
local STEMS = { "Vocals", "Drums", "Bass", "Other" }
local LONGEST_WAIT_SECONDS = 60
local POLL_SECONDS = 0.02
-- Time for Ardour's disk thread after the transport has stopped.
local REST_SECONDS = 1
-- Time for messages that were sent to be recorded.
local LAST_SECONDS = 0.25

local function report (...)
	print ("> " .. string.format (...))
	io.stdout:flush ()
end

local function sleep (seconds)
	ARDOUR.LuaAPI.usleep (math.floor (seconds * 1e6))
end

-- Lua cannot receive OSC, so it polls.
local function wait_for (what, look)
	for _ = 1, LONGEST_WAIT_SECONDS / POLL_SECONDS do
		local found = look ()
		if found then return found end
		sleep (POLL_SECONDS)
	end
	error (what .. " did not come within " .. LONGEST_WAIT_SECONDS .. " s")
end

-- A new, armed track that is connected to one port of the bridge only.
local function armed_track (stem)
	local one_midi = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1)
	local track = Session:new_midi_track (
		one_midi, one_midi, true, ARDOUR.PluginInfo (), nil, nil, 1, stem,
		ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front ():to_track ()
	local input = track:input ():nth (0)
	input:disconnect_all ()
	local port = "Source Audio Bridge:SAB " .. stem
	assert (input:connect (port) == 0, "no port " .. port)
	track:rec_enable_control ():set_value (1, PBD.GroupControlDisposition.NoGroup)
	return track
end

-- The job's name, from the manifest, which the bridge writes last.
local function job_of_clip (bridge)
	bridge:send ("/sab/submit", "sss", clip, "project", Session:path ())
	local name = clip:match ("([^/]+)%.%w+$")
	local manifest = string.format ("%s/stems/%s/%s.sab.json", Session:path (), name, name)
	return wait_for (manifest, function ()
		local file = io.open (manifest)
		if not file then return nil end
		local text = file:read ("a")
		file:close ()
		return text:match ('"job":%s*"([^"]+)"')
	end)
end

local function roll ()
	Session:maybe_enable_record ()
	Session:request_roll (ARDOUR.TransportRequestSource.TRS_UI)
	wait_for ("the transport's start", function () return Session:transport_rolling () end)
end

local function stop ()
	Session:request_stop (false, false, ARDOUR.TransportRequestSource.TRS_UI)
	wait_for ("the transport's end", function () return not Session:transport_rolling () end)
	sleep (REST_SECONDS)
end

-- What arrives just before the stop would not be recorded.
local function roll_on ()
	local last = Session:transport_sample () + LAST_SECONDS * sample_rate
	wait_for ("the last messages", function () return Session:transport_sample () >= last end)
end

local function take (bridge, job)
	roll ()
	bridge:send ("/sab/play", "s", job)
	sleep (tonumber (take_seconds))
	stop ()
end

local function locate (seconds)
	local sample = math.floor (seconds * sample_rate)
	Session:request_locate (
		sample, false, ARDOUR.LocateTransportDisposition.MustStop, ARDOUR.TransportRequestSource.TRS_UI)
	wait_for ("the position", function () return math.abs (Session:transport_sample () - sample) < sample_rate / 10 end)
end

local function report_recordings (stem, track)
	local regions = {}
	for region in track:playlist ():region_list ():iter () do table.insert (regions, region) end
	table.sort (regions, function (one, other) return one:position () < other:position () end)
	for _, region in ipairs (regions) do
		local seconds = region:position ():samples () / sample_rate
		report ("recorded %s %.6f %s", stem, seconds, region:source (0):to_filesource ():path ())
	end
end

local function record_takes ()
	local tracks = {}
	for _, stem in ipairs (STEMS) do tracks[stem] = armed_track (stem) end
	report ("opened")
	local bridge, job
	if clip then
		bridge = ARDOUR.LuaOSC.Address (url)
		job = job_of_clip (bridge)
	end
	report ("ready")
	for wish in io.lines () do
		local seconds = wish:match ("^roll (.+)$")
		if seconds then
			Session:cfg ():set_external_sync (true)
			locate (tonumber (seconds))
			roll ()
			report ("rolling")
		elseif wish == "free" then
			Session:cfg ():set_external_sync (false)
			report ("freed")
		elseif wish == "stop" then
			roll_on ()
			stop ()
			report ("stopped")
		else
			take (bridge, job)
			report ("took")
		end
	end
	Session:save_state ("")
	for _, stem in ipairs (STEMS) do report_recordings (stem, tracks[stem]) end
end

local function main ()
	AudioEngine:set_backend ("JACK", "ardour", "")
	-- This starts the engine too, and would stop one that runs.
	assert (create_session (session_folder, "recording", tonumber (sample_rate)), "no session")
	record_takes ()
	collectgarbage () -- a session must not be closed while Lua still holds its tracks
	close_session ()
	report ("closed")
end

local done, reason = pcall (main)
if not done then report ("failed %s", tostring (reason)) end
quit ()
