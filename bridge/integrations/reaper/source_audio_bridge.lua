-- Shared by the scripts for REAPER: paths, and the jobs that wait to be imported. Not an action itself.

local M = {}

M.TITLE = "Source Audio Bridge"
-- Jobs are stored in the project, so that they survive a restart.
local SECTION = "SourceAudioBridge"

function M.exists (path)
	return reaper.file_exists (path)
end

function M.joined (...)
	local separator = package.config:sub (1, 1)
	return (table.concat ({ ... }, separator))
end

-- The folder of a path, and the file name without its extension.
function M.split (path)
	local folder, file = path:match ("^(.*)[/\\]([^/\\]*)$")
	return folder or "", ((file or path):gsub ("%.[^.]*$", ""))
end

-- A number as text, exact and with a decimal point in every locale.
local function exact (number)
	return (string.format ("%.17g", number):gsub (",", "."))
end

-- For a job, its project's state has two entries, since REAPER cuts long ones when it lists them. KEY: position, rate, track,
-- folder and name of the results. KEY and this: all else, as words with values. Earlier versions wrote only the first.
local MORE = "more"
-- GROUP and this and KIND.PART: the track that the group's stem, or its notes, lie on. Keys have no blanks, which the project's
-- file may not keep.
local TRACK = "track."

local function entries (project)
	local found, index = {}, 0
	while true do
		local more, key, value = reaper.EnumProjExtState (project, SECTION, index)
		if not more then return found end
		found[key] = value
		index = index + 1
	end
end

-- Adds to a job what its second entry says: when it was sent (`sent`, and `position` among those sent together), its group's id
-- ("": none), and how its item plays (`length`, `offset`, `loops`, `values` by REAPER's names, those of the item with "item "
-- before).
local function read_more (job, text)
	job.group, job.sent, job.position, job.values = "", 0, 0, {}
	for word, value in (text or ""):gmatch ("([^\t=]+)=([^\t]*)") do
		if word == "group" then job.group = value
		elseif word == "loops" then job.loops = value == "1"
		elseif word == "length" or word == "offset" or word == "sent" or word == "position" then job[word] = tonumber (value)
		else job.values[word] = tonumber (value) end
	end
	return job
end

-- The jobs that wait in a project, in the order in which they were sent.
function M.waiting (project)
	local jobs, found = {}, entries (project)
	for key, value in pairs (found) do
		local place, rate, track, out, name = value:match ("^(%S+)\t(%S+)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
		if place and tonumber (place) then
			jobs[#jobs + 1] = read_more ({ key = key, place = tonumber (place), rate = tonumber (rate), track = track, out = out,
				name = name, manifest = M.joined (out, name .. ".sab.json") }, found[key .. MORE])
		end
	end
	table.sort (jobs, function (one, other)
		if one.sent ~= other.sent then return one.sent < other.sent end
		if one.position ~= other.position then return one.position < other.position end
		return one.key < other.key
	end)
	return jobs
end

function M.remember (project, job)
	reaper.SetProjExtState (project, SECTION, job.key,
		table.concat ({ exact (job.place), exact (job.rate), job.track, job.out, job.name }, "\t"))
	local words = { "group=" .. job.group, "sent=" .. exact (job.sent), "position=" .. exact (job.position),
		"length=" .. exact (job.length), "offset=" .. exact (job.offset), "loops=" .. (job.loops and 1 or 0) }
	for word, value in pairs (job.values) do words[#words + 1] = word .. "=" .. exact (value) end
	reaper.SetProjExtState (project, SECTION, job.key .. MORE, table.concat (words, "\t"))
end

function M.forget (project, job)
	reaper.SetProjExtState (project, SECTION, job.key, "")
	reaper.SetProjExtState (project, SECTION, job.key .. MORE, "")
end

-- The tracks of a group by kind and part, as GUIDs.
function M.tracks_of (project, group)
	local known, start = {}, group .. TRACK
	for key, value in pairs (entries (project)) do
		if key:sub (1, #start) == start then known[key:sub (#start + 1)] = value end
	end
	return known
end

-- Remembers a group's track, or forgets it if `guid` is empty.
function M.remember_track (project, group, what, guid)
	reaper.SetProjExtState (project, SECTION, group .. TRACK .. what, guid)
end

return M
