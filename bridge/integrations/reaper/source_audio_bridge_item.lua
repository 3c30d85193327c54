-- Shared by the scripts for REAPER: which part of which file an item plays and how, and a new item that plays the same way. Not
-- an action itself.

local M = {}

-- What changes the sound of an item and of its take, beside its place in the file.
local OF_ITEM = { "D_VOL", "D_FADEINLEN", "D_FADEOUTLEN", "D_FADEINLEN_AUTO", "D_FADEOUTLEN_AUTO", "C_FADEINSHAPE",
	"C_FADEOUTSHAPE", "D_FADEINDIR", "D_FADEOUTDIR" }
local OF_TAKE = { "D_VOL", "D_PAN", "D_PANLAW", "D_PITCH", "B_PPITCH", "I_PITCHMODE", "I_CHANMODE" }
-- REAPER's times are not exact: an item is often longer than its file by a part of a sample.
local SAME_SECONDS = 0.0001

-- The file that a take plays, its section's start in the file (0 without a section), and the length of what the take can play.
local function source_of (take)
	local source = reaper.GetMediaItemTake_Source (take)
	local length = reaper.GetMediaSourceLength (source)
	local first, is_section, parent = 0, false, reaper.GetMediaSourceParent (source)
	if parent then
		local found, offset, _, reverse = reaper.PCM_Source_GetSectionInfo (source)
		if reverse then error ("it is reversed; render it to a new take first", 0) end
		if found then first, is_section = offset, true end
		source = parent
	end
	local file = reaper.GetMediaSourceFileName (source, "")
	if reaper.TakeIsMIDI (take) or file == "" then error ("it has no audio file", 0) end
	if length <= 0 then error ("REAPER cannot read its file", 0) end
	return file, first, length, is_section
end

-- What an item plays: `file`, `from` and `to` in seconds of the file (`to` is nil: to its end), and `played`: `place`, `rate`,
-- `length`, where it starts within that part (`offset`), whether that part `loops`, and the `values` of the item and its take.
-- Raises a sentence without its subject, for an item that cannot be sent.
function M.read (item)
	local take = reaper.GetActiveTake (item)
	if not take then error ("it is empty", 0) end
	local file, first, length, is_section = source_of (take)
	if reaper.GetTakeNumStretchMarkers (take) > 0 then error ("it has stretch markers; glue it first", 0) end
	local rate = reaper.GetMediaItemTakeInfo_Value (take, "D_PLAYRATE")
	local start = reaper.GetMediaItemTakeInfo_Value (take, "D_STARTOFFS")
	local played = { place = reaper.GetMediaItemInfo_Value (item, "D_POSITION"), rate = rate, offset = 0, loops = false,
		length = reaper.GetMediaItemInfo_Value (item, "D_LENGTH"), values = {} }
	local stop = start + played.length * rate
	local is_beyond = start < 0 or stop > length + SAME_SECONDS
	local from, to
	if is_beyond and reaper.GetMediaItemInfo_Value (item, "B_LOOPSRC") ~= 0 then
		-- Once round: REAPER repeats the stems as it repeats the source.
		played.loops, played.offset = true, start % length
		from, to = first, is_section and first + length or nil
	else
		if start < 0 then error ("it starts before its file does; trim it first", 0) end
		if start >= length then error ("it starts after its file ends", 0) end
		from, to = first + start, first + math.min (stop, length)
	end
	for _, key in ipairs (OF_ITEM) do played.values["item " .. key] = reaper.GetMediaItemInfo_Value (item, key) end
	for _, key in ipairs (OF_TAKE) do played.values[key] = reaper.GetMediaItemTakeInfo_Value (take, key) end
	return { file = file, from = from, to = to, played = played }
end

-- Semitones by which a job's item sounds above its file.
local function transposition (job)
	local pitch = job.values.D_PITCH or 0
	if job.values.B_PPITCH == 0 then pitch = pitch + 12 * math.log (job.rate, 2) end
	return math.floor (pitch + 0.5)
end

-- Adds an item to a track that plays a stem, or its notes, where and as the job's item played its file. `is_pitched`: the notes
-- have pitches, unlike those of drums.
function M.add (track, job, source, title, is_pitched)
	local length, is_beats = reaper.GetMediaSourceLength (source)
	if is_beats then -- a MIDI file's length is in quarter notes
		length = reaper.TimeMap_QNToTime (reaper.TimeMap_timeToQN (job.place) + length) - job.place
	else
		length = length / job.rate
	end
	local item = reaper.AddMediaItemToTrack (track)
	local take = reaper.AddTakeToMediaItem (item)
	reaper.SetMediaItemTake_Source (take, source)
	reaper.GetSetMediaItemTakeInfo_String (take, "P_NAME", title, true)
	reaper.SetMediaItemInfo_Value (item, "D_POSITION", job.place)
	reaper.SetMediaItemInfo_Value (item, "D_LENGTH", job.length or length)
	-- Else a stem that is shorter by a part of a sample would begin again at its end.
	reaper.SetMediaItemInfo_Value (item, "B_LOOPSRC", job.loops and 1 or 0)
	-- The offset of audio is in the file's time, that of notes in the project's.
	reaper.SetMediaItemTakeInfo_Value (take, "D_STARTOFFS", (job.offset or 0) / (is_beats and job.rate or 1))
	if is_beats then
		if is_pitched then reaper.SetMediaItemTakeInfo_Value (take, "D_PITCH", transposition (job)) end
		return
	end
	reaper.SetMediaItemTakeInfo_Value (take, "D_PLAYRATE", job.rate)
	for word, value in pairs (job.values) do
		local key = word:match ("^item (.*)$")
		if key then reaper.SetMediaItemInfo_Value (item, key, value)
		else reaper.SetMediaItemTakeInfo_Value (take, word, value) end
	end
end

return M
