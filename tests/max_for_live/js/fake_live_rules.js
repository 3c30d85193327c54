"use strict";
// What the real Live does that surprises a script, one switch each, all on: `new FakeLive({ rules: { analyses: false } })`
// switches one off. The sources are named in docs/decisions/0160.

const RULES = {
  // Values that a set or a call has changed are shown by `get` only in a later event.
  showsLater: true,
  // `warping` is applied some time after it was set; the end marker then keeps a number of the old unit.
  warpsLater: true,
  // Looping needs warping: switching it on switches Warp on, and takes back a Warp off that is still waiting.
  loopingWarps: true,
  // A warp marker lies within the file, in a warped clip, and not on the sample of another (then it is dropped without a word).
  markersInFile: true,
  // Live analyses a new file in the background and replaces whatever markers there are when it is done.
  analyses: true,
  // A new clip is as long in the Arrangement as Live's guess at its tempo says; only the end of an unlooped clip changes it.
  guessedLength: true,
  // Switching looping off brings back the end that the clip would have by itself.
  endReverts: true,
  // Notes of one pitch never overlap: the earlier one is cut, one with the same start is replaced.
  notesCollide: true,
  // Recorded notes snap to the set's record quantisation.
  quantisesRecordings: true,
  // Max's scheduler stands still while Live's audio is off: no Task runs.
  tasksNeedAudio: true,
};

module.exports = { RULES };
