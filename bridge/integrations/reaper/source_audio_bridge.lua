-- Shared by the two scripts for REAPER: calling the bridge, and the jobs that wait to be imported. Not an action itself.

local M = {}

M.TITLE = "Source Audio Bridge"
-- Jobs are stored in the project, so that they survive a restart.
local SECTION = "SourceAudioBridge"
local ANSWER_MS = 30000

-- Quotes one word of a command line for the shell.
function M.quoted (word)
	if reaper.GetOS ():match ("^Win") then
		return '"' .. word:gsub ('(\\*)"', '%1%1\\"'):gsub ("(\\*)$", "%1%1") .. '"'
	end
	return "'" .. word:gsub ("'", "'\\''") .. "'"
end

-- Submits a file to the bridge; returns its answer, or nil and the error.
function M.submit (settings, file, options)
	local words = {}
	for _, list in ipairs { settings.command, settings.options, { file }, options } do
		for _, word in ipairs (list) do words[#words + 1] = M.quoted (word) end
	end
	local answer = reaper.ExecProcess (table.concat (words, " "), ANSWER_MS)
	if not answer then return nil, "the command sab did not start; run `sab install reaper` again" end
	local status, text = answer:match ("^(%-?%d+)\n?(.*)$")
	if status ~= "0" then return nil, text end
	return text
end

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

-- One entry for each item that was sent: its position and rate, the results' folder and name, and its track.
function M.waiting ()
	local jobs, index = {}, 0
	while true do
		local found, key, value = reaper.EnumProjExtState (0, SECTION, index)
		if not found then return jobs end
		local place, rate, track, out, name = value:match ("^(%S+)\t(%S+)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
		if place then
			jobs[#jobs + 1] = { key = key, place = tonumber (place), rate = tonumber (rate), track = track, out = out,
				name = name, manifest = M.joined (out, name .. ".sab.json") }
		end
		index = index + 1
	end
end

function M.remember (job)
	local value = table.concat ({ string.format ("%.17g", job.place), string.format ("%.17g", job.rate), job.track,
		job.out, job.name }, "\t")
	reaper.SetProjExtState (0, SECTION, job.key, value)
end

function M.forget (job)
	reaper.SetProjExtState (0, SECTION, job.key, "")
end

return M
