-- What a musician does in Ardour's window, as a hook that Ardour calls ten times a second: imports clips, cuts the front
-- of their regions off, selects them, runs the action that sends them, waits, and runs the action that imports. At last it
-- imports one file of notes by hand, and takes its tempo over.
--
-- The text begins with a local `plan`: { take_apart, import: the actions' files; clips: { { path, place, cut } … }, with
-- places and cuts in samples; tempo; notes: the file of notes; told: the file for what has happened }. `ardour_window.py` is at the other end.

local SETTLED_TICKS = 10

local lines = {}
local function say (...)
	lines[#lines + 1] = string.format (...)
	local file = io.open (plan.told, "w")
	file:write (table.concat (lines, "\n"), "\n")
	file:close ()
end

-- In place of the windows that wait for a click.
local dialog = LuaDialog
LuaDialog = {
	MessageType = dialog.MessageType, ButtonType = dialog.ButtonType, Response = dialog.Response,
	Message = function (_, text) return { run = function () say ("message\t%s", (text:gsub ("\n", " "))) end } end,
}

-- As Ardour does it: it keeps the bytecode of the factory, and nothing else of the script.
local function run (path)
	function ardour () end
	assert (loadfile (path)) ()
	local kept = string.dump (factory, true)
	factory = nil
	load (kept) () ()
end

local function import (path, place, tempo)
	local files = C.StringVector ()
	files:push_back (path)
	Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
		ARDOUR.MidiTrackNameSource.SMFTrackName, tempo or ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
		Temporal.timepos_t (place), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
end

local function regions ()
	local found = {}
	for route in Session:get_tracks ():iter () do
		for region in route:to_track ():playlist ():region_list ():iter () do
			found[#found + 1] = { track = route:name (), region = region }
		end
	end
	return found
end

local function set_tempo ()
	local map = Temporal.TempoMap.write_copy ()
	map:set_tempo (Temporal.Tempo (plan.tempo, plan.tempo, 4), Temporal.timepos_t (0))
	Temporal.TempoMap.update (map)
end

local function send ()
	say ("opened")
	set_tempo ()
	local selection = ArdourUI.SelectionList ()
	for _, clip in ipairs (plan.clips) do
		import (clip.path, clip.place)
		say ("imported\t%s", clip.path)
	end
	for index, found in ipairs (regions ()) do
		local clip = plan.clips[index]
		if clip.cut > 0 then found.region:trim_front (Temporal.timepos_t (clip.place + clip.cut)) end
		selection:push_back (Editor:regionview_from_region (found.region))
	end
	Editor:set_selection (selection, ArdourUI.SelectionOp.Set)
	run (plan.take_apart)
	say ("sent")
end

local function is_done ()
	for line in io.lines (Session:path () .. "/source-audio-bridge.pending") do
		local _, out, name = line:match ("^(%d+)\t([^\t]*)\t([^\t]*)")
		if not ARDOUR.LuaAPI.file_test (out .. "/" .. name .. ".sab.json", ARDOUR.LuaAPI.FileTest.Exists) then
			return false
		end
	end
	return true
end

local function finish ()
	run (plan.import)
	for _, found in ipairs (regions ()) do
		local region = found.region
		local paths, audio = {}, region:to_audioregion ()
		for channel = 0, audio:isnil () and 0 or audio:n_channels () - 1 do
			paths[#paths + 1] = region:source (channel):to_filesource ():path ()
		end
		say ("region\t%s\t%s\t%d\t%d\t%d\t%s", found.track, audio:isnil () and "midi" or "stem",
			region:position ():samples (), region:start ():samples (), region:length ():samples (),
			table.concat (paths, "\t"))
	end
	Session:save_state ("")
	local before = #regions ()
	import (plan.notes, 0, ARDOUR.MidiTempoMapDisposition.SMFTempoUse)
	say ("tempo\t%.6f", Temporal.TempoMap.read ():tempo_at (Temporal.timepos_t (0)):quarter_notes_per_minute ())
	for index, found in ipairs (regions ()) do
		if index > before then
			say ("notes\t%s\t%s", found.track, found.region:source (0):to_filesource ():path ())
		end
	end
	say ("finished")
end

local ticks, step, busy = 0, send, false
return function (signal)
	if signal ~= LuaSignal.LuaTimerDS or busy or not step then return end
	ticks = ticks + 1
	if ticks < SETTLED_TICKS or (step == finish and not is_done ()) then return end
	-- An import lets the window go on, and so this hook too.
	busy = true
	local done, reason = pcall (step)
	if not done then say ("failed\t%s", tostring (reason)) end
	step = done and step == send and finish or nil
	busy = false
	collectgarbage ()
end
