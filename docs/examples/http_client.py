"""Sends a clip to the bridge, follows its job, and fetches what it has made; standard library only.

python http_client.py song.wav RESULTS_FOLDER
"""

import json
import os
import sys
import uuid
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

BRIDGE = os.environ.get("BRIDGE", "http://127.0.0.1:9720")
TOKEN = os.environ["TOKEN"]  # what `sab token` prints
DIRECT = build_opener(ProxyHandler({}))  # the bridge is on this computer


def ask(path, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return DIRECT.open(Request(BRIDGE + path, body, {"Authorization": f"Bearer {TOKEN}", **named}))
    except HTTPError as refusal:
        sys.exit(json.load(refusal)["message"])


song, results = Path(sys.argv[1]), Path(sys.argv[2])
with song.open("rb") as clip:
    size = str(song.stat().st_size)
    answer = ask(
        f"/jobs?filename={quote(song.name)}&stems=vocals,bass", clip,
        Content_Type="application/octet-stream", Content_Length=size, Idempotency_Key=str(uuid.uuid4()),
    )  # fmt: skip
job = json.load(answer)["id"]
for line in ask(f"/events?job={job}"):  # ends with the job
    if line.startswith(b"data: "):
        event = json.loads(line[6:])
        if event.get("type") == "progressed":
            print(f"{event['stage']} {event['fraction']:.0%}")
job = json.load(ask(f"/jobs/{job}"))
print(job["state"])
results.mkdir(parents=True, exist_ok=True)
for file in job["files"]:
    (results / file["name"]).write_bytes(ask(file["href"]).read())
