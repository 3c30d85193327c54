-- @description Source Audio Bridge: import stems and notes
-- Imports the Source Audio Bridge's results into new tracks below their items: one audio track for each stem, one MIDI
-- track for its notes, all in one undo step.

local here = debug.getinfo (1, "S").source:match ("^@(.*[/\\])") or ""
local bridge = dofile (here .. "source_audio_bridge.lua")

local BUILD_MISSING_PEAKS = 40047
local YES_NO, NO = 4, 7

-- The files in the manifest, stems before notes; without the file with the notes of all stems.
local function results (job)
	local stems, notes = {}, {}
	local file = assert (io.open (job.manifest, "rb"))
	local text = file:read ("a")
	file:close ()
	for kind, part, path in text:gmatch ('"kind":%s*"(%a+)",%s*"name":%s*"([%a_]+)",%s*"path":%s*"(.-[^\\])"') do
		local list = kind == "stem" and stems or kind == "midi" and part ~= "all" and notes or {}
		list[#list + 1] = (path:gsub ("\\(.)", "%1"))
	end
	return table.move (notes, 1, #notes, #stems + 1, stems)
end

-- The number of the track that the item was on when it was sent; the last track if it no longer exists.
local function track_number (guid)
	local count = reaper.CountTracks (0)
	for index = 0, count - 1 do
		if reaper.GetTrackGUID (reaper.GetTrack (0, index)) == guid then return index + 1 end
	end
	return count
end

-- Adds a track with the file at the item's position and rate; false if the file no longer exists.
local function place (job, index, name)
	local path = bridge.joined (job.out, name)
	local source = bridge.exists (path) and reaper.PCM_Source_CreateFromFile (path)
	if not source then return false end
	reaper.InsertTrackAtIndex (index, true)
	local track = reaper.GetTrack (0, index)
	local title = name:gsub ("%.%w+$", "")
	reaper.GetSetMediaTrackInfo_String (track, "P_NAME", title, true)
	local length, is_beats = reaper.GetMediaSourceLength (source)
	if is_beats then -- a MIDI file's length is in quarter notes
		local first = reaper.TimeMap_timeToQN (job.place)
		length = reaper.TimeMap_QNToTime (first + length) - job.place
	else
		length = length / job.rate
	end
	local item = reaper.AddMediaItemToTrack (track)
	local take = reaper.AddTakeToMediaItem (item)
	reaper.SetMediaItemTake_Source (take, source)
	if not is_beats then reaper.SetMediaItemTakeInfo_Value (take, "D_PLAYRATE", job.rate) end
	reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", title, true)
	reaper.SetMediaItemInfo_Value (item, "D_POSITION", job.place)
	reaper.SetMediaItemInfo_Value (item, "D_LENGTH", length)
	return true
end

local jobs, ready, unfinished, names, missing = bridge.waiting (), {}, {}, {}, {}
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
		local below = track_number (job.track)
		for _, name in ipairs (results (job)) do
			if place (job, below, name) then below = below + 1 else missing[#missing + 1] = name end
		end
		bridge.forget (job)
	end
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
		for _, job in ipairs (unfinished) do bridge.forget (job) end
	end
end
