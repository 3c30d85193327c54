ardour {
	["type"]    = "EditorAction",
	name        = "Source Audio Bridge: Import",
	license     = "MIT",
	author      = "Source Audio Bridge",
	description = [[Imports the Source Audio Bridge's results into new tracks, at the positions of their regions: one audio track for each stem, one MIDI track for its notes.]]
}

-- Ardour keeps only the function that factory returns, so everything is defined inside it.
function factory () return function ()
	local TITLE = "Source Audio Bridge"
	local pending = ARDOUR.LuaAPI.build_filename (Session:path (), "source-audio-bridge.pending")

	local function ask (text, buttons)
		return LuaDialog.Message (TITLE, text, LuaDialog.MessageType.Info, buttons):run ()
	end

	local function exists (path)
		return ARDOUR.LuaAPI.file_test (path, ARDOUR.LuaAPI.FileTest.Exists)
	end

	-- One line for each region that was sent: its position in samples, the results' folder, their name, a file to remove.
	local function waiting ()
		local jobs = {}
		if exists (pending) then
			for line in ARDOUR.LuaAPI.file_get_contents (pending):gmatch ("[^\n]+") do
				local place, out, name, rendered = line:match ("^(%d+)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
				if place then
					local manifest = ARDOUR.LuaAPI.build_filename (out, name .. ".sab.json")
					jobs[#jobs + 1] = { line = line, place = tonumber (place), out = out, name = name,
						rendered = rendered, manifest = manifest }
				end
			end
		end
		return jobs
	end

	local function remember (jobs)
		if #jobs == 0 then
			os.remove (pending)
			return
		end
		local file = assert (io.open (pending, "w"))
		for _, job in ipairs (jobs) do file:write (job.line, "\n") end
		assert (file:close ())
	end

	-- The files in the manifest, stems before notes; without the file with the notes of all stems.
	local function results (job)
		local stems, notes = {}, {}
		local text = ARDOUR.LuaAPI.file_get_contents (job.manifest)
		for kind, part, path in text:gmatch ('"kind":%s*"(%a+)",%s*"name":%s*"([%a_]+)",%s*"path":%s*"(.-[^\\])"') do
			local list = kind == "stem" and stems or kind == "midi" and part ~= "all" and notes or {}
			list[#list + 1] = ARDOUR.LuaAPI.build_filename (job.out, (path:gsub ("\\(.)", "%1")))
		end
		return table.move (notes, 1, #notes, #stems + 1, stems)
	end

	local function import (path, place)
		local files = C.StringVector ()
		files:push_back (path)
		-- Ardour changes the position argument, so each file needs a new one.
		Editor:do_import (files,
			Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
			ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
			Temporal.timepos_t (place), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
	end

	local unfinished, names = {}, {}
	local jobs = waiting ()
	for _, job in ipairs (jobs) do
		if exists (job.manifest) then
			for _, path in ipairs (results (job)) do import (path, job.place) end
			if job.rendered ~= "" then os.remove (job.rendered) end
		else
			unfinished[#unfinished + 1] = job
			names[#names + 1] = job.name
		end
	end
	if #jobs == 0 then
		ask ("Nothing to import: no region of this session was sent.", LuaDialog.ButtonType.Close)
	elseif #unfinished > 0 then
		local answer = ask ("Not done yet: " .. table.concat (names, ", ") .. ".\n"
			.. "The bridge shows their progress, or why they failed. Keep waiting for them?", LuaDialog.ButtonType.Yes_No)
		if answer == LuaDialog.Response.No then unfinished = {} end
	end
	remember (unfinished)
end end
