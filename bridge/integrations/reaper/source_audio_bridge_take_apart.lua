-- @description Source Audio Bridge: separate the selected items
-- Sends the selected audio items to the Source Audio Bridge, which must be running (sab). When it is done, the script
-- source_audio_bridge_import.lua adds tracks with the stems and notes below them.

local here = debug.getinfo (1, "S").source:match ("^@(.*[/\\])") or ""
local bridge = dofile (here .. "source_audio_bridge.lua")
local items = dofile (here .. "source_audio_bridge_item.lua")
local call = dofile (here .. "source_audio_bridge_call.lua")

-- Other actions run this one with a table of choices.
local given = ...
local choices = type (given) == "table" and given or {}

local SLOWEST_BPM, FASTEST_BPM = 20, 400
local LONGEST_NAME = 100
local LONGEST_IN_GROUP = 40

local function decimal (number)
	return (string.format ("%.9f", number):gsub (",", "."))
end

-- Unicode's spaces and line separators, in UTF-8.
local BLANKS = { "\194[\128-\160]", "\225\154\128", "\226\128[\128-\138\168\169\175]", "\226\129\159", "\227\128\128" }

-- Replaces what a file name must not contain, by the bridge's own rules.
local function file_name (name)
	for _, blank in ipairs (BLANKS) do name = name:gsub (blank, " ") end
	name = name:gsub ('[<>:"/\\|?*\0-\31\127]', "_")
	if #name > LONGEST_NAME and utf8.len (name) then
		name = name:sub (1, utf8.offset (name, 0, LONGEST_NAME + 1) - 1)
	end
	name = name:gsub ("^%s+", ""):gsub ("[%s.]+$", "")
	-- Windows reserves these names for devices, with any extension.
	local head, rest = name:match ("^([^.]*)(.*)$")
	local device = head:gsub ("%s+$", ""):upper ()
	if ("|CON|PRN|AUX|NUL|"):find ("|" .. device .. "|", 1, true) or device:match ("^COM[1-9]$")
		or device:match ("^LPT[1-9]$") then
		name = head .. "_" .. rest
	end
	return name == "" and "item" or name
end

-- The project's handle, which outlives a change to another project, its file, and its folder; nil for both if it was never saved.
local function current_project ()
	local handle, file = reaper.EnumProjects (-1)
	if not file or file == "" then return handle end
	return handle, file, (bridge.split (file))
end

local project, project_file, project_folder = current_project ()

-- A folder that no other job uses or will use.
local function free_folder (parent, name, taken)
	local folder, number = name, 1
	while true do
		local path = bridge.joined (parent, "stems", folder)
		if not taken[path] and not bridge.exists (bridge.joined (path, name .. ".sab.json")) then
			taken[path] = true
			return path
		end
		number = number + 1
		folder = name .. " " .. number
	end
end

-- Quarter notes a minute at a time of the project, in every metre: REAPER's own function tells twice as many in 6/8.
local function tempo_at (place)
	local first = reaper.TimeMap2_timeToQN (project, place)
	return 60 / (reaper.TimeMap2_QNToTime (project, first + 1) - place)
end

-- The job of an item, and the words that send it. Raises a sentence without its subject.
local function job_of (item, taken)
	local clip = items.read (item)
	local job = clip.played
	job.name = file_name (reaper.GetTakeName (reaper.GetActiveTake (item)):gsub ("%.%w+$", ""))
	job.out = free_folder (project_folder or (bridge.split (clip.file)), job.name, taken)
	job.key, job.track = reaper.genGuid (""), reaper.GetTrackGUID (reaper.GetMediaItemTrack (item))
	local words = { "file", clip.file }
	local function add (key, value)
		words[#words + 1] = key
		words[#words + 1] = value
	end
	add ("start", decimal (clip.from))
	if clip.to then add ("end", decimal (clip.to)) end
	if project_file then add ("project", project_file) end
	add ("out", job.out)
	add ("name", job.name)
	-- A tempo in the file's own time: in a take that plays faster, beats pass faster too.
	local tempo = tempo_at (job.place) / job.rate
	if tempo >= SLOWEST_BPM and tempo <= FASTEST_BPM then add ("tempo", decimal (tempo)) end
	if choices.stems then add ("stems", choices.stems) end
	return job, words, add
end

-- A name that no other group of this project has.
local function group_name (jobs)
	local name = jobs[1].name
	if utf8.len (name) and #name > LONGEST_IN_GROUP then name = name:sub (1, utf8.offset (name, 0, LONGEST_IN_GROUP + 1) - 1) end
	return string.format ("%s + %d at %s", name, #jobs - 1, os.date ("%H.%M.%S"))
end

local jobs, clips, adders, failed, taken = {}, {}, {}, {}, {}
for _, job in ipairs (bridge.waiting (project)) do taken[job.out] = true end
for index = 0, reaper.CountSelectedMediaItems (project) - 1 do
	local done, job, words, add = pcall (job_of, reaper.GetSelectedMediaItem (project, index), taken)
	if done then
		jobs[#jobs + 1], clips[#clips + 1], adders[#adders + 1] = job, words, add
	else
		failed[#failed + 1] = "Item " .. index + 1 .. ": " .. job
	end
end

local function show_failed ()
	if #failed > 0 then reaper.ShowMessageBox ("Not sent:\n" .. table.concat (failed, "\n"), bridge.TITLE, 0) end
end

if #jobs == 0 then
	if #failed == 0 then reaper.ShowMessageBox ("Select one or more audio items first.", bridge.TITLE, 0) end
	return show_failed ()
end

local is_group = #jobs > 1
local group, name = is_group and reaper.genGuid ("") or "", is_group and group_name (jobs)
local unanswered, sent = {}, os.time ()
for position, job in ipairs (jobs) do
	local add = adders[position]
	if is_group then add ("group", name) end
	job.group, job.sent, job.position = group, sent, position
	-- Remembered before it is sent, so that no result can be missed.
	bridge.remember (project, job)
	unanswered[position] = true
end

-- Forgets a job that the bridge has not taken; its project may be closed by now.
local function drop (position)
	unanswered[position] = nil
	if reaper.ValidatePtr (project, "ReaProject*") then bridge.forget (project, jobs[position]) end
end

call.send (clips,
	function (position) unanswered[position] = nil end,
	function (position, message)
		drop (position)
		failed[#failed + 1] = jobs[position].name .. ": " .. message
	end,
	function (message)
		if message then
			for position = 1, #jobs do if unanswered[position] then drop (position) end end
			failed[#failed + 1] = message
		end
		show_failed ()
	end)
