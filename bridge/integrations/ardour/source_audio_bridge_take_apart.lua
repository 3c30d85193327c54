ardour {
	["type"]    = "EditorAction",
	name        = "Source Audio Bridge: Take Apart",
	license     = "MIT",
	author      = "Source Audio Bridge",
	description = [[Sends the selected audio regions to the Source Audio Bridge, which must be running (sab). When it is done, "Source Audio Bridge: Import" adds tracks with the stems and notes at the regions' positions.]]
}

-- Ardour keeps only the function that factory returns, so everything is defined inside it.
-- params.regions: regions to send instead of the selected ones, for sessions without an editor.
function factory (params) return function ()
	local URL = "osc.udp://127.0.0.1:9720" -- `sab install ardour` writes your port here
	local TITLE = "Source Audio Bridge"
	local LONGEST_NAME = 100
	local LONGEST_IN_GROUP = 40
	local LARGEST_WAV = 0xffffffff - 64
	local CHUNK = 8192
	local SLOWEST_BPM, FASTEST_BPM = 20, 400
	local session = Session:path ()
	local rate = Session:nominal_sample_rate ()
	local pending = ARDOUR.LuaAPI.build_filename (session, "source-audio-bridge.pending")

	local function show (text)
		if LuaDialog then
			LuaDialog.Message (TITLE, text, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run ()
		else
			print (text)
		end
	end

	local function exists (path)
		return ARDOUR.LuaAPI.file_test (path, ARDOUR.LuaAPI.FileTest.Exists)
	end

	-- With a decimal point in every locale, and more digits than an OSC float has.
	local function decimal (number)
		return (string.format ("%.9f", number):gsub (",", "."))
	end

	-- Unicode's spaces and line separators, in UTF-8.
	local BLANKS = { "\194[\128-\160]", "\225\154\128", "\226\128[\128-\138\168\169\175]", "\226\129\159", "\227\128\128" }

	-- Replaces what a file name must not contain, by the bridge's own rules.
	local function file_name (name)
		for _, blank in ipairs (BLANKS) do name = name:gsub (blank, " ") end
		name = name:gsub ('[<>:"/\\|?*\0-\31\127]', "_")
		if #name > LONGEST_NAME then
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
		return name == "" and "region" or name
	end

	-- Writes a region to one WAV file: Ardour stores each channel in its own mono file, but the bridge needs them together.
	local function render (region, count, path)
		local frames = region:length ():samples ()
		local bytes = frames * count * 4
		assert (bytes < LARGEST_WAV, "the region is too long for a WAV file")
		local file = assert (io.open (path, "wb"))
		file:write (string.pack ("<c4I4c4c4I4I2I2I4I4I2I2c4I4",
			"RIFF", 36 + bytes, "WAVE", "fmt ", 16, 3, count, rate, rate * count * 4, count * 4, 32, "data", bytes))
		local buffer = ARDOUR.DSP.DspShm (CHUNK)
		local samples = region:to_readable ()
		for first = 0, frames - 1, CHUNK do
			local size = math.min (CHUNK, frames - first)
			local mixed = {}
			for channel = 0, count - 1 do
				assert (samples:read (buffer:to_float (0), first, size, channel) == size, "the region cannot be read")
				for index, sample in ipairs (buffer:to_float (0):get_table (size)) do
					mixed[(index - 1) * count + channel + 1] = sample
				end
			end
			file:write (string.pack ("<" .. ("f"):rep (#mixed), table.unpack (mixed)))
		end
		assert (file:close ())
	end

	-- The file with the region's audio, and the offset of the region in it, in seconds.
	local function audio_file (region, audio, name)
		local count = audio:n_channels ()
		local file = audio:source (0):to_filesource ()
		if count == 1 and not file:isnil () and file:within_session () then
			return file:path (), region:start ():samples () / rate
		end
		local folder = ARDOUR.LuaAPI.build_filename (session, "export")
		local path, number = ARDOUR.LuaAPI.build_filename (folder, name .. " (for the bridge).wav"), 1
		while exists (path) do
			number = number + 1
			path = ARDOUR.LuaAPI.build_filename (folder, name .. " (for the bridge " .. number .. ").wav")
		end
		render (audio, count, path)
		return path, 0, path
	end

	-- A folder that no other job uses or will use.
	local function free_folder (name)
		local sent = exists (pending) and ARDOUR.LuaAPI.file_get_contents (pending) or ""
		local folder, number = name, 1
		while true do
			local path = ARDOUR.LuaAPI.build_filename (session, "stems", folder)
			if not exists (path) and not sent:find ("\t" .. path .. "\t", 1, true) then return path end
			number = number + 1
			folder = name .. " " .. number
		end
	end

	-- A name that no other group of this session has.
	local function group_name (regions)
		if #regions < 2 then return "" end
		local name, more = file_name (regions[1]:name ()), #regions - 1
		if #name > LONGEST_IN_GROUP then name = name:sub (1, utf8.offset (name, 0, LONGEST_IN_GROUP + 1) - 1) end
		return string.format ("%s + %d at %s", name, more, os.date ("%H.%M.%S"))
	end

	local function send (bridge, region, audio, group, clips)
		local name = file_name (region:name ())
		local path, start, rendered = audio_file (region, audio, name)
		local out = free_folder (name)
		local words = { path }
		local function add (key, value)
			words[#words + 1] = key
			words[#words + 1] = value
		end
		add ("start", decimal (start))
		add ("end", decimal (start + region:length ():samples () / rate))
		add ("project", session)
		add ("out", out)
		add ("name", name)
		if group ~= "" then
			add ("group", group)
			add ("clips", tostring (clips))
		end
		local tempo = Temporal.TempoMap.read ():quarters_per_minute_at (region:position ())
		if tempo >= SLOWEST_BPM and tempo <= FASTEST_BPM then add ("tempo", decimal (tempo)) end
		-- Recorded before it is sent, so that no result can be missed.
		local list = assert (io.open (pending, "a"))
		local place, frames = region:position ():samples (), region:length ():samples ()
		list:write (table.concat ({ place, out, name, rendered or "", group, frames }, "\t"), "\n")
		assert (list:close ())
		bridge:send ("/sab/submit", ("s"):rep (#words), table.unpack (words))
		return name
	end

	local regions = {}
	local function take (region)
		if not region:to_audioregion ():isnil () then regions[#regions + 1] = region end
	end
	if params and params.regions then
		for _, region in ipairs (params.regions) do take (region) end
	else
		for region in Editor:get_selection ().regions:regionlist ():iter () do take (region) end
	end
	local group = group_name (regions)
	local bridge = ARDOUR.LuaOSC.Address (URL)
	source_audio_bridge_address = bridge -- kept, so that its socket is open while the bridge looks whose it is
	if #regions > 0 then bridge:send ("/sab/hello", "si", "ardour", 1) end -- the bridge shows who sends
	local sent, failed = {}, {}
	for _, region in ipairs (regions) do
		local done, what = pcall (send, bridge, region, region:to_audioregion (), group, #regions)
		local list = done and sent or failed
		list[#list + 1] = done and what or region:name () .. ": " .. what
	end
	if #failed > 0 then
		show ("Not sent:\n" .. table.concat (failed, "\n"))
	elseif #sent == 0 then
		show ("Select one or more audio regions first.")
	else
		show ("Sent: " .. table.concat (sent, ", ") .. ".\nThe bridge shows the progress. When it is done, choose Edit → "
			.. "Lua Scripts → Source Audio Bridge: Import.")
	end
end end
