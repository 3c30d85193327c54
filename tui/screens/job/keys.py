"""The keys of an opened job: one table for the footer, the help and the command palette."""

from __future__ import annotations

from textual.binding import Binding

from tui.keys import Key

JOB_KEYS = (
    Key("space", "hear", "Hear", "Hear the stems on this machine's own output, or pause them.", shown_as="␣"),
    Key("up,k", "choose(-1)", "Stem", "↑ ↓: choose a stem, which stands out in the roll.", "↑↓"),
    Key("down,j", "choose(1)", "Stem", "Choose the next stem.", "↓", in_footer=False),
    Key("S", "solo", "Solo", "Hear and play the chosen stem alone, or with others that are solo.", "S"),
    Key("M,m", "mute", "Mute", "Silence the chosen stem.", "M"),
    Key("n", "notes", "Notes", "Hear the chosen stem's notes in place of its audio, or its audio again.", "n"),
    Key("N", "all_notes", "All notes", "Hear the notes of all stems, or their audio again.", "N", in_footer=False),
    Key("tab", "slider(1)", "Sliders", "Tab: go to the next slider.", "⇥"),
    Key("shift+tab", "slider(-1)", "Back", "Go to the slider before.", "⇧⇥", in_footer=False),
    Key("left", "move(-1)", "Less", "← →: change the slider; without one, go a beat back or on.", "←", in_footer=False),
    Key("right", "move(1)", "More", "Change the slider, or go a beat on.", "→", in_footer=False),
    Key("w", "write", "Write", "Write the notes with the changed settings, into a folder of their own."),
    Key("z", "take_back", "Undo", "Take back the last change of a setting."),
    Key("Z", "take_all_back", "Undo all", "Take back every change of a setting.", "Z", in_footer=False),
    Key("t", "tempo", "Tempo", "Read the notes at another tempo: doubled, halved, tapped."),
    Key("p", "play", "Play", "Play the notes to the MIDI ports, with solo and mute."),
    Key("f", "follow", "Follow", "Play the notes in time with a MIDI clock, JACK or Link.", in_footer=False),
    Key("s", "stop", "Stop", "Stop what is heard and what plays."),
    Key("plus,equals_sign", "zoom(0.5)", "Zoom", "+ −: show a shorter or a longer stretch.", "+", in_footer=False),
    Key("minus", "zoom(2)", "Wider", "Show a longer stretch.", "−", in_footer=False),
    Key("comma,shift+left", "scroll(-0.25)", "Earlier", ", or shift+←: show what comes before.", ",", in_footer=False),
    Key("full_stop,shift+right", "scroll(0.25)", "Later", ". or shift+→: show what follows.", ".", in_footer=False),
    Key("pageup", "scroll(-1)", "Page back", "Show the page before.", in_footer=False),
    Key("pagedown", "scroll(1)", "Page on", "Show the next page.", in_footer=False),
    Key("home,g", "go(0)", "Start", "Go to the clip's start.", in_footer=False),
    Key("end,G", "go(1)", "End", "Go to the clip's end.", in_footer=False),
    Key("v", "all_stems", "All stems", "Show all stems alike, or the chosen one before the others.", in_footer=False),
    Key("c", "cancel", "Cancel", "Cancel the job; files that are complete stay.", in_footer=False),
    Key("r", "retry", "Again", "Run a job again that failed or was cancelled.", in_footer=False),
    Key("escape", "back", "Back", "Back to the jobs; what is changed and not written is lost.", "Esc"),
)


def job_bindings() -> list[Binding]:
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown_as, tooltip=key.help, show=key.in_footer)
        for key in JOB_KEYS
    ]
