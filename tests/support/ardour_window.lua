-- The steps of a user in Ardour's window, as a hook that Ardour calls ten times per second: imports clips, trims the front
-- of their regions, selects them, runs the action that sends them, waits, and runs the action that imports. Finally it
-- imports one file of notes by hand and adopts its tempo.
--
-- The text begins with a local `plan`: { separate, import: the files of the actions; clips: { { path, place, cut } … },
-- with places and cuts in samples; tempo; notes: the file of notes; report: the output file }. `ardour_window.py` starts
-- it and reads the output.

local SETTLED_TICKS = 10

local lines = {}
local function report (...)
	lines[#lines + 1] = string.format (...)
	local file = io.open (plan.report, "w")
	file:write (table.concat (lines, "\n"), "\n")
	file:close ()
end

-- Replaces the dialogs, which would wait for a click.
local dialog = LuaDialog
LuaDialog = {
	MessageType = dialog.MessageType, ButtonType = dialog.ButtonType, Response = dialog.Response,
	Message = function (_, text) return { run = function () report ("message\t%s", (text:gsub ("\n", " "))) end } end,
}

-- As Ardour does: it keeps only the bytecode of the script's factory.
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
	report ("opened")
	set_tempo ()
	local selection = ArdourUI.SelectionList ()
	for _, clip in ipairs (plan.clips) do
		import (clip.path, clip.place)
		report ("imported\t%s", clip.path)
	end
	for index, found in ipairs (regions ()) do
		local clip = plan.clips[index]
		if clip.cut > 0 then found.region:trim_front (Temporal.timepos_t (clip.place + clip.cut)) end
		selection:push_back (Editor:regionview_from_region (found.region))
	end
	Editor:set_selection (selection, ArdourUI.SelectionOp.Set)
	run (plan.separate)
	report ("sent")
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

-- Imports twice, as a user who cannot wait does: at first as if the second clip were not done yet.
local function import_twice ()
	local manifests = {}
	for line in io.lines (Session:path () .. "/source-audio-bridge.pending") do
		local _, out, name = line:match ("^(%d+)\t([^\t]*)\t([^\t]*)")
		manifests[#manifests + 1] = out .. "/" .. name .. ".sab.json"
	end
	os.rename (manifests[2], manifests[2] .. ".later")
	run (plan.import)
	os.rename (manifests[2] .. ".later", manifests[2])
	run (plan.import)
end

local function finish ()
	import_twice ()
	for _, found in ipairs (regions ()) do
		local region = found.region
		local paths, audio = {}, region:to_audioregion ()
		for channel = 0, audio:isnil () and 0 or audio:n_channels () - 1 do
			paths[#paths + 1] = region:source (channel):to_filesource ():path ()
		end
		report ("region\t%s\t%s\t%s\t%d\t%d\t%d\t%s", found.track, region:name (),
			audio:isnil () and "midi" or "stem", region:position ():samples (), region:start ():samples (), region:length ():samples (),
			table.concat (paths, "\t"))
	end
	Session:save_state ("")
	local before = #regions ()
	import (plan.notes, 0, ARDOUR.MidiTempoMapDisposition.SMFTempoUse)
	report ("tempo\t%.6f", Temporal.TempoMap.read ():tempo_at (Temporal.timepos_t (0)):quarter_notes_per_minute ())
	for index, found in ipairs (regions ()) do
		if index > before then
			report ("notes\t%s\t%s", found.track, found.region:source (0):to_filesource ():path ())
		end
	end
	report ("finished")
end

local ticks, step, busy = 0, send, false
return function (signal)
	if signal ~= LuaSignal.LuaTimerDS or busy or not step then return end
	ticks = ticks + 1
	if ticks < SETTLED_TICKS or (step == finish and not is_done ()) then return end
	-- During an import the window's event loop runs on, and so does this hook.
	busy = true
	local done, reason = pcall (step)
	if not done then report ("failed\t%s", tostring (reason)) end
	step = done and step == send and finish or nil
	busy = false
	collectgarbage ()
end
