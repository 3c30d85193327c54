-- @description Source Audio Bridge: separate the selected items
-- Sends the selected audio items to the Source Audio Bridge, which must be running (sab). When it is done, the script
-- source_audio_bridge_import.lua adds tracks with the stems and notes below them.

local here = debug.getinfo (1, "S").source:match ("^@(.*[/\\])") or ""
local bridge = dofile (here .. "source_audio_bridge.lua")
local settings = dofile (here .. "source_audio_bridge_settings.lua")

local SLOWEST_BPM, FASTEST_BPM = 20, 400
local LONGEST_NAME = 100

local function decimal (number)
	return (string.format ("%.9f", number):gsub (",", "."))
end

-- Unicode's spaces and line separators, in UTF-8.
local BLANKS = { "\194[\128-\160]", "\225\154\128", "\226\128[\128-\138\168\169\175]", "\226\129\159", "\227\128\128" }

-- Replaces what a file name must not contain, by the bridge's own rules.
local function file_name (name)
	for _, blank in ipairs (BLANKS) do name = name:gsub (blank, " ") end
	name = name:gsub ('[<>:"/\\|?*%c\127]', "_")
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

-- The project's file and its folder; nil for one that was never saved.
local function project ()
	local _, file = reaper.EnumProjects (-1)
	if file == "" then return nil end
	return file, (bridge.split (file))
end

-- A folder that no other job uses or will use.
local function free_folder (parent, name)
	local sent = {}
	for _, job in ipairs (bridge.waiting ()) do sent[job.out] = true end
	local folder, number = name, 1
	while true do
		local path = bridge.joined (parent, "stems", folder)
		if not sent[path] and not bridge.exists (bridge.joined (path, name .. ".sab.json")) then return path end
		number = number + 1
		folder = name .. " " .. number
	end
end

-- The file that a take plays, and the offset of the take in it, in seconds.
local function audio_file (take)
	local source = reaper.GetMediaItemTake_Source (take)
	local start = reaper.GetMediaItemTakeInfo_Value (take, "D_STARTOFFS")
	local parent = reaper.GetMediaSourceParent (source)
	if parent then
		local found, offset, _, reverse = reaper.PCM_Source_GetSectionInfo (source)
		if reverse then error ("it is reversed; render it to a new take first", 0) end
		if found then start = start + offset end
		source = parent
	end
	if start < 0 then error ("it starts before its file does; trim it first", 0) end
	local file = reaper.GetMediaSourceFileName (source, "")
	if reaper.TakeIsMIDI (take) or file == "" then error ("it has no audio file", 0) end
	return file, start
end

local function send (item)
	local take = reaper.GetActiveTake (item)
	if not take then error ("it is empty", 0) end
	local file, start = audio_file (take)
	local place = reaper.GetMediaItemInfo_Value (item, "D_POSITION")
	local rate = reaper.GetMediaItemTakeInfo_Value (take, "D_PLAYRATE")
	local length = reaper.GetMediaItemInfo_Value (item, "D_LENGTH") * rate
	local name = file_name (reaper.GetTakeName (take):gsub ("%.%w+$", ""))
	local project_file, folder = project ()
	local out = free_folder (folder or (bridge.split (file)), name)
	local words = {}
	local function add (key, value)
		words[#words + 1] = key
		words[#words + 1] = value
	end
	add ("start", decimal (start))
	add ("end", decimal (start + length))
	if project_file then add ("project", project_file) end
	add ("out", out)
	add ("name", name)
	-- A tempo in the file's own time: in a take that plays faster, beats pass faster too.
	local tempo = reaper.TimeMap_GetDividedBpmAtTime (place) / rate
	if tempo >= SLOWEST_BPM and tempo <= FASTEST_BPM then add ("tempo", decimal (tempo)) end
	local answer, wrong = bridge.submit (settings, file, words)
	if not answer then error (wrong, 0) end
	local track = reaper.GetTrackGUID (reaper.GetMediaItemTrack (item))
	bridge.remember { key = reaper.genGuid (""), place = place, rate = rate, track = track, out = out, name = name }
	return name
end

local sent, failed = {}, {}
for index = 0, reaper.CountSelectedMediaItems (0) - 1 do
	local done, what = pcall (send, reaper.GetSelectedMediaItem (0, index))
	local list = done and sent or failed
	list[#list + 1] = done and what or "Item " .. index + 1 .. ": " .. what
end
if #failed > 0 then
	reaper.ShowMessageBox ("Not sent:\n" .. table.concat (failed, "\n"), bridge.TITLE, 0)
elseif #sent == 0 then
	reaper.ShowMessageBox ("Select one or more audio items first.", bridge.TITLE, 0)
end
