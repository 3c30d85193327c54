-- Shared by the scripts for REAPER: sends clips to the bridge while REAPER goes on. Not an action itself.

local here = debug.getinfo (1, "S").source:match ("^@(.*[/\\])") or ""
local bridge = dofile (here .. "source_audio_bridge.lua")
local settings = dofile (here .. "source_audio_bridge_settings.lua")

local M = {}

local DO_NOT_WAIT = -2 -- and open no window; REAPER stands still with 0 or more
local POLL_SECONDS = 0.2
-- A program that has not begun by then never will; one that has begun may wait long for room in the bridge's queue.
local BEGIN_SECONDS, GIVE_UP_SECONDS = 30, 900

-- Quotes one word of a command line for the shell.
local function quoted (word)
	if reaper.GetOS ():match ("^Win") then
		return '"' .. word:gsub ('(\\*)"', '%1%1\\"'):gsub ("(\\*)$", "%1%1") .. '"'
	end
	return "'" .. word:gsub ("'", "'\\''") .. "'"
end

local NO_ANSWER = "The bridge does not answer. Start it with `sab`, or `sab serve`, and try again. If it listens on another port "
	.. "now, run `sab install reaper` again."

local function json_text (text)
	return '"' .. text:gsub ('[\0-\31"\\\127]', function (sign) return string.format ("\\u%04x", sign:byte ()) end) .. '"'
end

-- Words and values as a line of JSON.
local function json_line (pairs_of)
	local fields = {}
	for index = 1, #pairs_of, 2 do
		fields[#fields + 1] = json_text (pairs_of[index]) .. ":" .. json_text (pairs_of[index + 1])
	end
	return "{" .. table.concat (fields, ",") .. "}\n"
end

-- The complete lines that have come since the last time.
local function new_answers (path, from)
	local file = io.open (path, "rb")
	if not file then return {}, from end
	file:seek ("set", from)
	local text = file:read ("a")
	file:close ()
	local lines, to = {}, from
	for line in text:gmatch ("[^\n]*\n") do
		to = to + #line
		lines[#lines + 1] = { what = line:match ('"answer":"(%a+)"'), clip = tonumber (line:match ('"clip":(%d+)')),
			code = line:match ('"code":"([%w_]+)"'),
			message = ((line:match ('"message":"(.*)"}') or ""):gsub ("\\u%x%x%x%x", " "):gsub ("\\(.)", "%1")) }
	end
	return lines, to
end

-- Sends clips, each a list of words and values as the bridge's `sab submit` knows them, beginning with "file". Returns at once;
-- later, REAPER calls `refused (clip, message)` for each clip that the bridge does not take, with its number, and at the end
-- `ended (message)`, with a message if the bridge could not be asked: then it has none of the clips that were not refused and
-- not `accepted (clip)`. Without a message they may still wait for room in its queue.
function M.send (clips, accepted, refused, ended)
	local paper = bridge.joined (reaper.GetResourcePath (), "source-audio-bridge-" .. reaper.genGuid (""):gsub ("[{}]", ""))
	local list, answers = paper .. ".clips", paper .. ".answers"
	local file, wrong = io.open (list, "wb")
	if not file then return ended (wrong) end
	for _, clip in ipairs (clips) do file:write (json_line (clip)) end
	file:close ()
	reaper.atexit (function ()
		os.remove (list)
		os.remove (answers)
	end)
	local words = {}
	for _, part in ipairs { settings.command, settings.options, { "--list", list, "--answers", answers, "--client", "reaper" } } do
		for _, word in ipairs (part) do words[#words + 1] = quoted (word) end
	end
	reaper.ExecProcess (table.concat (words, " "), DO_NOT_WAIT)
	local position, begun, failure = 0, false, nil
	local last_news = reaper.time_precise ()
	local next_look = last_news
	local function look ()
		local now, lines = reaper.time_precise (), {}
		if now >= next_look then
			lines, position = new_answers (answers, position)
			next_look = now + POLL_SECONDS
		end
		for _, line in ipairs (lines) do
			begun, last_news = true, now
			if line.what == "job" then accepted (line.clip)
			elseif line.what == "refused" then refused (line.clip, line.message)
			elseif line.what == "failed" then failure = line.code == "not_found" and NO_ANSWER or line.message
			elseif line.what == "end" then return ended (failure) end
		end
		if not begun and now - last_news > BEGIN_SECONDS then
			return ended ("The command sab did not start; run `sab install reaper` again.")
		end
		if now - last_news >= GIVE_UP_SECONDS then return ended () end
		reaper.defer (look)
	end
	reaper.defer (look)
end

return M
