"use strict";
// A fake bridge without sockets: it answers as the real one does, and can end, lose messages or forget its jobs.

class FakeBridge {
  constructor(clock) {
    Object.assign(this, { clock, isUp: true, received: [], drop: () => false, listeners: new Map(), replyPort: 0, jobs: new Map(), count: 0, played: new Set() });
    this.knowsNotes = true;
    this.opens = "done"; // or the code of its refusal, or "" for no answer
    this.status = [0, 0, "htdemucs", "cpu", "alsa"];
    this.files = {};
    this.taken = new Set();
    this.net = {
      send: (port, atoms) => { if (port === 9720) this.clock.after(1, () => this.receive(atoms)); },
      listen: (port, receive) => {
        if (this.taken.has(port) || this.listeners.has(port)) return () => {};
        this.listeners.set(port, receive);
        return () => this.listeners.delete(port);
      },
    };
  }

  say(address, ...atoms) {
    const message = [`/sab/${address}`, ...atoms];
    if (this.drop(message)) return;
    const receive = this.listeners.get(this.replyPort);
    if (receive) this.clock.after(1, () => receive(message));
  }

  receive([address, ...atoms]) {
    if (!this.isUp || this.drop([address, ...atoms])) return;
    this.received.push([address, ...atoms]);
    this[address.replace("/sab/", "on_")](...atoms);
  }

  asked(address) { return this.received.filter((message) => message[0] === `/sab/${address}`); }

  on_hello(client, protocol, port) { this.replyPort = port; this.say("hello.reply", 1, "9.9", "source-audio-bridge", 7); }
  on_ping(token) { this.say("pong", token); }
  on_subscribe() { this.say("done", "/sab/subscribe", 7); }
  on_submit(path, ...rest) {
    const keys = {};
    for (let i = 0; i < rest.length; i += 2) keys[rest[i]] = rest[i + 1];
    if (keys.notes && !this.knowsNotes) {
      this.say("fail", "/sab/submit", "bad_arguments", "There is no option 'notes'; there are engine and req.", keys.req);
      return;
    }
    const known = [...this.jobs.values()].find((job) => job.req === keys.req);
    const job = known || { id: `job${(this.count += 1)}`, req: keys.req, path, keys, state: "running", results: [] };
    this.jobs.set(job.id, job);
    this.say("accepted", keys.req, job.id, 0);
  }
  on_query(id) {
    const job = this.jobs.get(id);
    if (!job) { this.say("fail", "/sab/query", "not_found", "There is no such job.", id); return; }
    this.say("job", id, job.state, 0.5, "clip");
    job.results.forEach((result) => this.say("result", id, ...result));
  }
  on_cancel(id) { this.say("done", "/sab/cancel", id); this.finish(id, "cancelled"); }
  on_play(id, ...rest) {
    this.played.add(rest[rest.indexOf("req") + 1]);
    this.say("done", "/sab/play", id);
  }
  on_status() { this.say("status.reply", ...this.status); }
  on_open(id) {
    if (this.opens === "done") this.say("done", "/sab/open", id);
    else if (this.opens === "unknown_address") this.say("fail", "/sab/open", "unknown_address", "There is no address /sab/open.", "");
    else if (this.opens) this.say("fail", "/sab/open", this.opens, "The folder cannot be shown: no desktop. It is /Music", id);
  }
  on_stop(id) { this.say("done", "/sab/stop", id); }

  progress(id, stage, fraction, eta) { this.say("progress", id, stage, fraction, eta); }
  result(id, kind, name, path) {
    this.jobs.get(id).results.push([kind, name, path, 2, 44100]);
    this.say("result", id, kind, name, path, 2, 44100);
  }
  // The tempo of a job's notes, in single precision; others: [tempo, metre, share].
  music(id, tempo, source = "estimated", confidence = 0.9, firstBeat = 0, others = []) {
    this.say("music", id, Math.fround(tempo), source, Math.fround(confidence), Math.fround(firstBeat), "", 0);
    others.forEach(([other, metre, share]) => this.say("tempo", id, Math.fround(other), metre, Math.fround(share)));
  }
  finish(id, outcome) {
    const job = this.jobs.get(id);
    job.state = outcome;
    this.say("finished", id, outcome, job.results.length, "/Music/My Set Project/Samples/Processed/Stems/clip");
  }
  vanish() { this.isUp = false; }
  comeBack({ forgetting }) {
    this.isUp = true;
    if (forgetting) this.jobs.clear();
  }
}

module.exports = { FakeBridge };
