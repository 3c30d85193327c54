// Asks the bridge to separate a clip by its path, follows the job, prints its files. For Node from 18 on, and for any
// program with `fetch`: node http_client.mjs /path/of/clip.wav
const bridge = process.env.BRIDGE ?? "http://127.0.0.1:9720";
const token = process.env.TOKEN; // what `sab token` prints

async function ask(method, path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(bridge + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json()).message);
  return answer;
}

// EventSource cannot send the token, so the stream is read by hand.
async function* events(path) {
  let text = "";
  for await (const bytes of (await ask("GET", path)).body.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6));
    }
  }
}

const request = { path: process.argv[2], stems: ["vocals", "bass"], tempo: 120 };
const { id } = await (await ask("POST", "/jobs", request)).json();
for await (const event of events(`/events?job=${id}`)) {
  if (event.type === "progressed") console.log(event.stage, Math.round(100 * event.fraction), "%");
}
const job = await (await ask("GET", `/jobs/${id}`)).json();
for (const { path } of job.results) console.log(path);
console.log(job.state);
