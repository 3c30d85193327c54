-- A fake REAPER: lua5.3 fake_reaper.lua PROJECT_LUA SCRIPT …. PROJECT_LUA returns { file, tempo, items = { { file,
-- start, place, length, rate, name, section } … } }; all items are selected. Prints the log and all items at the end.

local project = dofile (arg[1])
local tracks, kept, log = {}, {}, {}
local undo_depth, next_id = 0, 0

local function say (...) log[#log + 1] = string.format (...) end
local function changed () assert (undo_depth == 1, "a change outside the undo step") end

for index, item in ipairs (project.items) do
	tracks[#tracks + 1] = { guid = "{track " .. index .. "}", P_NAME = "Track " .. index, items = { item } }
	item.track = tracks[#tracks]
end

local function index_of (list, key)
	for index, one in ipairs (list) do if one.key == key then return index end end
end

reaper = {
	GetOS = function () return "Other" end,
	ExecProcess = function (command, milliseconds)
		assert (milliseconds >= 0)
		local process = io.popen (command .. " 2>&1")
		local text = process:read ("a")
		local _, _, status = process:close ()
		return status .. "\n" .. text
	end,
	file_exists = function (path)
		local file = io.open (path)
		if file then file:close () end
		return file ~= nil
	end,
	EnumProjects = function () return project, project.file end,
	CountSelectedMediaItems = function () return #project.items end,
	GetSelectedMediaItem = function (_, index) return project.items[index + 1] end,
	GetActiveTake = function (item) return item end,
	GetTakeName = function (take) return take.name end,
	TakeIsMIDI = function () return false end,
	GetMediaItemTake_Source = function (take) return take end,
	GetMediaSourceParent = function (source) return source.section and { file = source.file } or nil end,
	PCM_Source_GetSectionInfo = function (source) return true, source.section, source.length, false end,
	GetMediaSourceFileName = function (source) return source.file end,
	GetMediaItemTakeInfo_Value = function (take, key) return ({ D_STARTOFFS = take.start, D_PLAYRATE = take.rate })[key] end,
	GetMediaItemInfo_Value = function (item, key) return ({ D_POSITION = item.place, D_LENGTH = item.length })[key] end,
	GetMediaItemTrack = function (item) return item.track end,
	GetTrackGUID = function (track) return track.guid end,
	TimeMap_GetDividedBpmAtTime = function () return project.tempo end,
	TimeMap_timeToQN = function (seconds) return seconds * project.tempo / 60 end,
	TimeMap_QNToTime = function (beats) return beats * 60 / project.tempo end,
	genGuid = function () next_id = next_id + 1 return "{" .. next_id .. "}" end,
	SetProjExtState = function (_, _, key, value)
		local index = index_of (kept, key)
		if value == "" then table.remove (kept, index)
		elseif index then kept[index].value = value
		else kept[#kept + 1] = { key = key, value = value } end
	end,
	EnumProjExtState = function (_, _, index)
		local entry = kept[index + 1]
		if entry then return true, entry.key, entry.value end
		return false
	end,
	CountTracks = function () return #tracks end,
	GetTrack = function (_, index) return tracks[index + 1] end,
	InsertTrackAtIndex = function (index)
		changed ()
		table.insert (tracks, index + 1, { guid = "{new " .. index .. "}", items = {} })
	end,
	GetSetMediaTrackInfo_String = function (track, key, value) changed () track[key] = value end,
	PCM_Source_CreateFromFile = function (path)
		assert (io.open (path)):close ()
		return { path = path }
	end,
	GetMediaSourceLength = function (source)
		if source.path:match ("%.mid$") then return 4, true end
		return 1.5, false
	end,
	AddMediaItemToTrack = function (track)
		changed ()
		local item = { rate = 1 }
		track.items[#track.items + 1] = item
		return item
	end,
	AddTakeToMediaItem = function (item) return item end,
	SetMediaItemTake_Source = function (take, source) changed () take.file = source.path end,
	SetMediaItemTakeInfo_Value = function (take, key, value) changed () assert (key == "D_PLAYRATE") take.rate = value end,
	GetSetMediaItemTakeInfo_String = function (take, key, value) changed () assert (key == "P_NAME") take.name = value end,
	SetMediaItemInfo_Value = function (item, key, value)
		changed ()
		item[assert (({ D_POSITION = "place", D_LENGTH = "length" })[key])] = value
	end,
	Undo_BeginBlock = function () undo_depth = undo_depth + 1 end,
	Undo_EndBlock = function (name) undo_depth = undo_depth - 1 say ("undo\t%s", name) end,
	PreventUIRefresh = function () end,
	Main_OnCommand = function () end,
	UpdateArrange = function () end,
	ShowMessageBox = function (text) say ("message\t%s", (text:gsub ("\n", " "))) return 6 end,
}

for index = 2, #arg do dofile (arg[index]) end
assert (undo_depth == 0, "an undo step stays open")
for _, line in ipairs (log) do print (line) end
print ("waiting\t" .. #kept)
for _, track in ipairs (tracks) do
	for _, item in ipairs (track.items) do
		print (string.format ("item\t%s\t%s\t%g\t%g\t%g\t%s", track.P_NAME, item.name, item.place, item.length, item.rate, item.file))
	end
end
