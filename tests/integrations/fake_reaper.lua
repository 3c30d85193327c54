-- A fake REAPER: lua5.3 fake_reaper.lua PLAN SCRIPT …. PLAN is a Lua file that returns
--
--   { file, tempo, denominator, items = { … }, stem_seconds, midi_beats, in_project, off, switches, silent }
--
-- Each of `items` is { file, name, start, place, length, rate, seconds, section, reversed, stretch, track, item, take }: `seconds`
-- is the length of its file, or of its section; `item` and `take` are more values by REAPER's names. All items are selected.
-- `switches`: the user looks at another project while a script waits. `silent`: programs that REAPER starts never run.
--
-- It keeps what the ReaScript documentation says of REAPER (7.08; 6.47 where that is the same), each a rule that `off` can switch off:
--   divided_bpm    TimeMap_GetDividedBpmAtTime is twice the tempo in /8 metres
--   stretch        a take has stretch markers
--   sound          a new item plays its take as a take's and an item's values say; by default its source loops
--   blocking       ExecProcess with a time-out of 0 or more stands still until the program has ended; a negative one does not wait
--   projects       project 0 is the one that is looked at
--   short_values   EnumProjExtState cuts what is longer than its buffer (inferred: unlike GetProjExtState's it never grows)
--   unordered      EnumProjExtState promises no order
--
-- Prints the log, how many jobs wait, all items, and what is heard of them at some moments.

local plan = dofile (arg[1])
local off = plan.off or {}
local function rule (name) return not off[name] end

local BUFFER = 1023
local CYCLE_SECONDS = 1 / 30
local CYCLES_TO_RUN = 60
local LONGEST_SECONDS = 3600
local log, tracks, deferred, at_exit, started = {}, {}, {}, {}, {}
local undo_depth, next_id, now = 0, 0, 1000
local this, other = { file = plan.file, kept = {} }, { file = "other.rpp", kept = {} }
local current = this

local TAKE = { D_STARTOFFS = 0, D_VOL = 1, D_PAN = 0, D_PANLAW = -1, D_PLAYRATE = 1, D_PITCH = 0, B_PPITCH = 1, I_PITCHMODE = -1,
	I_CHANMODE = 0 }
local ITEM = { D_POSITION = 0, D_LENGTH = 0, D_VOL = 1, B_LOOPSRC = 1, D_FADEINLEN = 0.01, D_FADEOUTLEN = 0.01,
	D_FADEINLEN_AUTO = -1, D_FADEOUTLEN_AUTO = -1, C_FADEINSHAPE = 0, C_FADEOUTSHAPE = 0, D_FADEINDIR = 0, D_FADEOUTDIR = 0 }

local function say (...) log[#log + 1] = string.format (...) end
local function changed () assert (undo_depth == 1, "a change outside the undo step") end

local function project_of (handle)
	if handle == 0 then return rule ("projects") and current or this end
	assert (handle == this or handle == other, "no project")
	return handle
end

local function with (defaults, values)
	local all = {}
	for key, value in pairs (defaults) do all[key] = value end
	for key, value in pairs (values or {}) do
		assert (all[key], "no value " .. key)
		all[key] = value
	end
	return all
end

local function new_track (place)
	next_id = next_id + 1
	table.insert (tracks, place, { guid = "{track " .. next_id .. "}", P_NAME = "", items = {} })
	return tracks[place]
end

for index, item in ipairs (plan.items) do
	local number = item.track or index
	while #tracks < number do new_track (#tracks + 1).P_NAME = "Track " .. #tracks end
	local source = { file = item.file, seconds = item.seconds or 60, midi = item.midi }
	if item.section or item.reversed then
		source = { parent = source, section = item.section or 0, seconds = source.seconds, reversed = item.reversed or false }
	end
	item.values = with (ITEM, { D_POSITION = item.place, D_LENGTH = item.length, D_FADEINLEN = 0, D_FADEOUTLEN = 0 })
	item.values = with (item.values, item.item)
	item.take = { source = source, name = item.name, stretch = item.stretch or 0, item = item,
		values = with (with (TAKE, { D_STARTOFFS = item.start, D_PLAYRATE = item.rate }), item.take) }
	item.on = tracks[number]
	table.insert (item.on.items, item)
end

local function index_of (list, key)
	for index, one in ipairs (list) do if one.key == key then return index end end
end

-- The length of a source in seconds; `beats` for MIDI.
local function length_of (source)
	if source.seconds then return source.seconds, false end
	if source.beats then return source.beats, true end
	error ("no length")
end

local function run (command)
	local process = io.popen (command .. " 2>&1")
	local text = process:read ("a")
	local _, _, status = process:close ()
	return status .. "\n" .. text
end

local function beats_per_second () return plan.tempo / 60 end

reaper = {
	GetOS = function () return "Other" end,
	GetResourcePath = function () return plan.resources end,
	time_precise = function () return now end,
	ExecProcess = function (command, milliseconds)
		if milliseconds < 0 then
			started[#started + 1] = { command = command, cycles = CYCLES_TO_RUN }
			if plan.switches then current = other end
			return "" -- what it returns without waiting is not documented
		end
		if rule ("blocking") then say ("blocked\tREAPER stands still") end
		return run (command)
	end,
	defer = function (code) deferred[#deferred + 1] = code end,
	atexit = function (code) at_exit[#at_exit + 1] = code end,
	file_exists = function (path)
		local file = io.open (path)
		if file then file:close () end
		return file ~= nil
	end,
	EnumProjects = function (index)
		assert (index == -1)
		return current, current.file
	end,
	ValidatePtr = function (pointer, kind)
		assert (kind == "ReaProject*")
		return pointer == this or pointer == other
	end,
	CountSelectedMediaItems = function () return #plan.items end,
	GetSelectedMediaItem = function (_, index) return plan.items[index + 1] end,
	GetActiveTake = function (item) return item.take end,
	GetTakeName = function (take) return take.name end,
	GetTakeNumStretchMarkers = function (take) return rule ("stretch") and take.stretch or 0 end,
	TakeIsMIDI = function (take) return take.source.midi or false end,
	GetMediaItemTake_Source = function (take) return take.source end,
	GetMediaSourceParent = function (source) return source.parent end,
	PCM_Source_GetSectionInfo = function (source)
		if source.parent then return true, source.section, source.seconds, source.reversed end
		return false, 0, 0, false
	end,
	GetMediaSourceFileName = function (source) return source.file or "" end,
	GetMediaItemTakeInfo_Value = function (take, key) return assert (take.values[key], key) end,
	GetMediaItemInfo_Value = function (item, key) return assert (item.values[key], key) end,
	GetMediaItemTrack = function (item) return item.on end,
	GetTrackGUID = function (track) return track.guid end,
	GetTrackNumMediaItems = function (track) return #track.items end,
	GetTrackMediaItem = function (track, index) return track.items[index + 1] end,
	TimeMap_GetDividedBpmAtTime = function ()
		return plan.tempo * (rule ("divided_bpm") and (plan.denominator or 4) / 4 or 1)
	end,
	TimeMap2_timeToQN = function (project, seconds) project_of (project) return seconds * beats_per_second () end,
	TimeMap2_QNToTime = function (project, beats) project_of (project) return beats / beats_per_second () end,
	TimeMap_timeToQN = function (seconds) return seconds * beats_per_second () end,
	TimeMap_QNToTime = function (beats) return beats / beats_per_second () end,
	genGuid = function () next_id = next_id + 1 return "{" .. 999999 - next_id .. "}" end, -- in no order that scripts may use
	SetProjExtState = function (project, _, key, value)
		assert (not key:match ("%s"), "a key with a blank, which the project's file may not keep")
		local kept = project_of (project).kept
		local index = index_of (kept, key)
		if value == "" then
			if index then table.remove (kept, index) end
		elseif index then kept[index].value = value
		elseif rule ("unordered") then table.insert (kept, 1, { key = key, value = value })
		else kept[#kept + 1] = { key = key, value = value } end
	end,
	EnumProjExtState = function (project, _, index)
		local entry = project_of (project).kept[index + 1]
		if not entry then return false end
		return true, entry.key, rule ("short_values") and entry.value:sub (1, BUFFER) or entry.value
	end,
	CountTracks = function (project) project_of (project) return #tracks end,
	GetTrack = function (project, index) project_of (project) return tracks[index + 1] end,
	InsertTrackAtIndex = function (index)
		changed ()
		new_track (index + 1)
	end,
	GetMediaTrackInfo_Value = function (track, key)
		assert (key == "IP_TRACKNUMBER")
		for index, one in ipairs (tracks) do if one == track then return index + 0.0 end end
	end,
	GetSetMediaTrackInfo_String = function (track, key, value) changed () track[key] = value end,
	PCM_Source_CreateFromFile = function (path)
		assert (io.open (path)):close ()
		-- With "import as in-project" the notes are copied, and the source has no file.
		if path:match ("%.mid$") then return { file = not plan.in_project and path, path = path, beats = plan.midi_beats or 4, midi = true } end
		return { file = path, path = path, seconds = plan.stem_seconds or 1.5 }
	end,
	GetMediaSourceLength = function (source) return length_of (source) end,
	AddMediaItemToTrack = function (track)
		changed ()
		local item = { values = with (ITEM), on = track }
		track.items[#track.items + 1] = item
		return item
	end,
	AddTakeToMediaItem = function (item)
		changed ()
		item.take = { values = with (TAKE, { B_PPITCH = 0 }), item = item, stretch = 0 }
		return item.take
	end,
	SetMediaItemTake_Source = function (take, source) changed () take.source = source end,
	SetMediaItemTakeInfo_Value = function (take, key, value)
		changed ()
		assert (take.values[key] and math.type (value), key)
		take.values[key] = value
	end,
	GetSetMediaItemTakeInfo_String = function (take, key, value) changed () assert (key == "P_NAME") take.name = value end,
	SetMediaItemInfo_Value = function (item, key, value)
		changed ()
		assert (item.values[key] and math.type (value), key)
		item.values[key] = value
	end,
	Undo_BeginBlock = function () undo_depth = undo_depth + 1 end,
	Undo_EndBlock = function (name) undo_depth = undo_depth - 1 say ("undo\t%s", name) end,
	PreventUIRefresh = function () end,
	Main_OnCommand = function () end,
	UpdateArrange = function () end,
	ShowMessageBox = function (text) say ("message\t%s", (text:gsub ("\n", " "))) return plan.no and 7 or 6 end,
}

-- Runs what scripts have deferred, until nothing is left: 30 times a second, as REAPER does.
local function run_deferred ()
	local first = now
	while #deferred > 0 do
		now = now + CYCLE_SECONDS
		assert (now - first < LONGEST_SECONDS, "a script runs for ever")
		for _, program in ipairs (started) do
			program.cycles = program.cycles - 1
			if program.cycles == 0 and not plan.silent then run (program.command) end
		end
		local codes = deferred
		deferred = {}
		for _, code in ipairs (codes) do code () end
	end
	for _, code in ipairs (at_exit) do code () end
	started, at_exit, current = {}, {}, this
end

-- What is heard of an item at a moment: the place in its file in seconds (in beats for MIDI), volume, pan, and pitch in semitones;
-- nil where it is silent.
local function heard (item, moment)
	local values, take = item.values, item.take
	local since = moment - values.D_POSITION
	if since < 0 or since >= values.D_LENGTH then return nil end
	local length, is_beats = length_of (take.source)
	local scale = is_beats and beats_per_second () or take.values.D_PLAYRATE
	local at = since * scale + take.values.D_STARTOFFS * (is_beats and scale or 1)
	if rule ("sound") and values.B_LOOPSRC == 1 then at = at % length end
	if at < 0 or at >= length then return nil end
	local volume = values.D_VOL * take.values.D_VOL
	if since < values.D_FADEINLEN then volume = volume * since / values.D_FADEINLEN end
	local pitch = take.values.D_PITCH
	if not is_beats and take.values.B_PPITCH == 0 then pitch = pitch + 12 * math.log (take.values.D_PLAYRATE, 2) end
	return at + (take.source.section or 0), volume, take.values.D_PAN, pitch
end

-- The values that have a part in the sound, beside those of `heard`.
local function other_values (item)
	local words = {}
	for _, key in ipairs { "D_FADEOUTLEN", "D_FADEINLEN_AUTO", "D_FADEOUTLEN_AUTO", "C_FADEINSHAPE", "C_FADEOUTSHAPE", "D_FADEINDIR",
		"D_FADEOUTDIR" } do words[#words + 1] = string.format ("%g", item.values[key]) end
	for _, key in ipairs { "D_PANLAW", "B_PPITCH", "I_PITCHMODE", "I_CHANMODE" } do
		words[#words + 1] = string.format ("%g", item.take.values[key])
	end
	return table.concat (words, " ")
end

for index = 2, #arg do
	dofile (arg[index])
	run_deferred ()
end
assert (undo_depth == 0, "an undo step stays open")
for _, line in ipairs (log) do print (line) end
local jobs = {}
for _, project in ipairs { this, other } do
	for _, entry in ipairs (project.kept) do jobs[entry.key:match ("^{%d+}") or entry.key] = true end
end
local waiting = 0
for _ in pairs (jobs) do waiting = waiting + 1 end
print ("waiting\t" .. waiting)
print ("tracks\t" .. #tracks)
for _, track in ipairs (tracks) do
	for _, item in ipairs (track.items) do
		local take, values = item.take, item.values
		local source = take.source.parent or take.source
		print (string.format ("item\t%s\t%s\t%g\t%g\t%g\t%s", track.P_NAME, take.name, values.D_POSITION, values.D_LENGTH,
			take.values.D_PLAYRATE, source.path or source.file))
	end
end
for _, track in ipairs (tracks) do
	for _, item in ipairs (track.items) do
		for _, moment in ipairs (plan.moments or {}) do
			local at, volume, pan, pitch = heard (item, moment)
			print (at and string.format ("heard\t%s\t%g\t%.9f\t%.9g\t%.9g\t%.9g\t%s", item.take.name, moment, at, volume, pan, pitch,
				other_values (item))
				or string.format ("heard\t%s\t%g\tnothing", item.take.name, moment))
		end
	end
end
