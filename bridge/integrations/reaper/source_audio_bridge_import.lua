-- @description Source Audio Bridge: import stems and notes
-- Imports the Source Audio Bridge's results into new tracks below their items: one audio track for each stem, one MIDI
-- track for its notes, all in one undo step. Items that were sent together share these tracks.

local here = debug.getinfo (1, "S").source:match ("^@(.*[/\\])") or ""
local bridge = dofile (here .. "source_audio_bridge.lua")
local items = dofile (here .. "source_audio_bridge_item.lua")

local BUILD_MISSING_PEAKS = 40047
local YES_NO, NO = 4, 7
-- Items that follow each other touch; REAPER's times are not exact.
local TOUCHING_SECONDS = 0.0001

local project = reaper.EnumProjects (-1)

-- The files in the manifest with their kinds and parts, stems before notes; without the file with the notes of all stems.
local function results (job)
	local stems, notes = {}, {}
	local file = assert (io.open (job.manifest, "rb"))
	local text = file:read ("a")
	file:close ()
	for kind, part, path in text:gmatch ('"kind":%s*"(%a+)",%s*"name":%s*"([%a_]+)",%s*"path":%s*"(.-[^\\])"') do
		local list = kind == "stem" and stems or kind == "midi" and part ~= "all" and notes or {}
		list[#list + 1] = { what = kind .. "." .. part, is_pitched = part ~= "drums", name = (path:gsub ("\\(.)", "%1")) }
	end
	return table.move (notes, 1, #notes, #stems + 1, stems)
end

-- The track with that GUID and its number, from 1; nil if it no longer exists.
local function find_track (guid)
	for index = 0, reaper.CountTracks (project) - 1 do
		local track = reaper.GetTrack (project, index)
		if reaper.GetTrackGUID (track) == guid then return track, index + 1 end
	end
end

local function add_track (index, title)
	reaper.InsertTrackAtIndex (index, true)
	local track = reaper.GetTrack (project, index)
	reaper.GetSetMediaTrackInfo_String (track, "P_NAME", title, true)
	return track
end

-- Whether nothing lies on the track where the job's item is.
local function is_free (track, job)
	for index = 0, reaper.GetTrackNumMediaItems (track) - 1 do
		local item = reaper.GetTrackMediaItem (track, index)
		local start = reaper.GetMediaItemInfo_Value (item, "D_POSITION")
		local stop = start + reaper.GetMediaItemInfo_Value (item, "D_LENGTH")
		if start < job.place + job.length - TOUCHING_SECONDS and job.place < stop - TOUCHING_SECONDS then return false end
	end
	return true
end

-- The track for a result: the group's own, if it has one there and is free at the item; else a new one with the number
-- `index` + 1. Also the number of the last track that the job's results are on.
local function track_for (job, result, title, index)
	if job.group == "" then return add_track (index, title), index + 1 end
	local known = bridge.tracks_of (project, job.group)[result.what]
	local track, number = find_track (known)
	if track and is_free (track, job) then return track, math.max (index, number) end
	local added = add_track (number or index, title:match ("%(([^()]*)%)$") or title)
	if not track then bridge.remember_track (project, job.group, result.what, reaper.GetTrackGUID (added)) end
	return added, math.max (index, number or index) + 1
end

-- Imports a job's results below the track that its item was on when it was sent, or below all if that no longer exists.
-- Returns the names of the files that no longer exist.
local function import (job)
	local missing = {}
	local _, below = find_track (job.track)
	below = below or reaper.CountTracks (project)
	for _, result in ipairs (results (job)) do
		local path = bridge.joined (job.out, result.name)
		local source = bridge.exists (path) and reaper.PCM_Source_CreateFromFile (path)
		if source then
			local track, title = nil, (result.name:gsub ("%.%w+$", ""))
			track, below = track_for (job, result, title, below)
			items.add (track, job, source, title, result.is_pitched)
		else
			missing[#missing + 1] = result.name
		end
	end
	bridge.forget (project, job)
	return missing
end

-- Forgets the tracks of groups of which no item waits any more.
local function forget_groups (jobs)
	local waits = {}
	for _, job in ipairs (bridge.waiting (project)) do waits[job.group] = true end
	for _, job in ipairs (jobs) do
		if job.group ~= "" and not waits[job.group] then
			for what in pairs (bridge.tracks_of (project, job.group)) do bridge.remember_track (project, job.group, what, "") end
		end
	end
end

local jobs, ready, unfinished, names, missing = bridge.waiting (project), {}, {}, {}, {}
for _, job in ipairs (jobs) do
	local done = bridge.exists (job.manifest)
	local list = done and ready or unfinished
	list[#list + 1] = job
	if not done then names[#names + 1] = job.name end
end

if #ready > 0 then
	reaper.Undo_BeginBlock ()
	reaper.PreventUIRefresh (1)
	for _, job in ipairs (ready) do
		for _, name in ipairs (import (job)) do missing[#missing + 1] = name end
	end
	forget_groups (ready)
	reaper.PreventUIRefresh (-1)
	reaper.Main_OnCommand (BUILD_MISSING_PEAKS, 0)
	reaper.UpdateArrange ()
	reaper.Undo_EndBlock ("Import stems and notes", -1)
end

if #missing > 0 then
	reaper.ShowMessageBox ("Not imported, because these files no longer exist:\n" .. table.concat (missing, "\n"), bridge.TITLE, 0)
end
if #jobs == 0 then
	reaper.ShowMessageBox ("Nothing to import: no item of this project was sent.", bridge.TITLE, 0)
elseif #unfinished > 0 then
	local text = "Not done yet: " .. table.concat (names, ", ")
		.. ".\nThe bridge shows their progress, or why they failed. Keep waiting for them?"
	if reaper.ShowMessageBox (text, bridge.TITLE, YES_NO) == NO then
		for _, job in ipairs (unfinished) do bridge.forget (project, job) end
		forget_groups (unfinished)
	end
end
