-- Makes an empty session: ardour7-lua ardour_session.lua SESSION_FOLDER SAMPLE_RATE

AudioEngine:set_backend ("JACK", "ardour", "")
assert (create_session (arg[1], "session", tonumber (arg[2])))
Session:save_state ("")
collectgarbage ()
close_session ()
print ("> made")
quit ()
