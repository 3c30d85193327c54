ardour {
	["type"]    = "EditorAction",
	name        = "Source Audio Bridge: Import",
	license     = "MIT",
	author      = "Source Audio Bridge",
	description = [[Imports the Source Audio Bridge's results into new tracks, at the positions of their regions: one audio track for each stem, one MIDI track for its notes. Regions that were sent together share these tracks.]]
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

	-- One line for each region that was sent: its position in samples, the results' folder, their name, a file to remove,
	-- its group, its length in samples; then the ids of the group's tracks, which the import adds. Lines of earlier versions
	-- end with the fourth.
	local function waiting ()
		local jobs = {}
		if exists (pending) then
			for line in ARDOUR.LuaAPI.file_get_contents (pending):gmatch ("[^\n]+") do
				local place, out, name, rendered, rest = line:match ("^(%d+)\t([^\t]*)\t([^\t]*)\t([^\t]*)(.*)$")
				local group, frames, known = (rest or ""):match ("^\t([^\t]*)\t(%d+)\t?([^\t]*)$")
				if place then
					local manifest = ARDOUR.LuaAPI.build_filename (out, name .. ".sab.json")
					jobs[#jobs + 1] = { line = line, place = tonumber (place), out = out, name = name,
						rendered = rendered, manifest = manifest, group = group or "", frames = tonumber (frames),
						known = known or "" }
				end
			end
		end
		return jobs
	end

	-- The files in the manifest with their kinds and stems, stems before notes; without the file with the notes of all stems.
	local function results (job)
		local stems, notes = {}, {}
		local text = ARDOUR.LuaAPI.file_get_contents (job.manifest)
		job.channels = tonumber (text:match ('"channels":%s*(%d+)'))
		for kind, part, path in text:gmatch ('"kind":%s*"(%a+)",%s*"name":%s*"([%a_]+)",%s*"path":%s*"(.-[^\\])"') do
			local list = kind == "stem" and stems or kind == "midi" and part ~= "all" and notes or {}
			list[#list + 1] = { kind = kind, part = part,
				path = ARDOUR.LuaAPI.build_filename (job.out, (path:gsub ("\\(.)", "%1"))) }
		end
		return table.move (notes, 1, #notes, #stems + 1, stems)
	end

	local function import (path, place, mode)
		local files = C.StringVector ()
		files:push_back (path)
		-- Ardour changes the position argument, so each file needs a new one.
		Editor:do_import (files,
			Editing.ImportDistinctFiles, mode or Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
			ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
			Temporal.timepos_t (place), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
	end

	local function tracks ()
		local found = {}
		for route in Session:get_tracks ():iter () do found[route:to_stateful ():id ():to_s ()] = route end
		return found
	end

	-- Imports a file into a new track; returns its id.
	local function import_track (path, place)
		local before = tracks ()
		import (path, place)
		for id in pairs (tracks ()) do
			if not before[id] then return id end
		end
	end

	-- Imports a file without a track; returns its region.
	local function import_region (path, place)
		local before = {}
		for id in ARDOUR.RegionFactory.regions ():iter () do before[id:to_s ()] = true end
		import (path, place, Editing.ImportAsRegion)
		for id, region in ARDOUR.RegionFactory.regions ():iter () do
			if not before[id:to_s ()] then return region end
		end
	end

	-- Whether the region's place is free there, and a track of that many channels plays all of its own.
	local function takes (playlist, job)
		for region in playlist:region_list ():iter () do
			local begin, audio = region:position ():samples (), region:to_audioregion ()
			if begin < job.place + job.frames and job.place < begin + region:length ():samples () then return false end
			if not audio:isnil () and audio:n_channels () < job.channels then return false end
		end
		return true
	end

	-- For each group, kind and part → id of the track. Ids outlive the window; names do not, and Ardour 7.3 sometimes fails to
	-- rename a track that is new.
	local shared = {}

	local function shared_of (job)
		if not shared[job.group] then
			shared[job.group] = {}
			for what, id in job.known:gmatch ("(%a+ [%a_]+)=(%d+)") do shared[job.group][what] = id end
		end
		return shared[job.group]
	end

	-- Regions that were sent together share a track for each stem; one that it cannot take has its own.
	local function import_into_group (job, result)
		local ids, what = shared_of (job), result.kind .. " " .. result.part
		local route = ids[what] and tracks ()[ids[what]]
		if not route then
			ids[what] = import_track (result.path, job.place)
			return
		end
		local playlist = route:to_track ():playlist ()
		local region = takes (playlist, job) and import_region (result.path, job.place)
		if not region then return import (result.path, job.place) end
		playlist:add_region (ARDOUR.RegionFactory.clone_region (region, true, false), Temporal.timepos_t (job.place), 1, false)
	end

	-- The job's line with the tracks of its group.
	local function line_of (job)
		local words = {}
		for what, id in pairs (job.group ~= "" and shared_of (job) or {}) do words[#words + 1] = what .. "=" .. id end
		if #words == 0 then return job.line end
		table.sort (words)
		return table.concat ({ job.place, job.out, job.name, job.rendered, job.group, job.frames,
			table.concat (words, ",") }, "\t")
	end

	local function remember (jobs)
		if #jobs == 0 then
			os.remove (pending)
			return
		end
		local file = assert (io.open (pending, "w"))
		for _, job in ipairs (jobs) do file:write (line_of (job), "\n") end
		assert (file:close ())
	end

	local unfinished, names = {}, {}
	local jobs = waiting ()
	for _, job in ipairs (jobs) do
		if exists (job.manifest) then
			for _, result in ipairs (results (job)) do
				if job.group == "" then import (result.path, job.place) else import_into_group (job, result) end
			end
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
