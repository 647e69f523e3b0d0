#!/usr/bin/env python3
"""Instructions of the rooms that only compute, once through each, counted by Valgrind: no noise, but no AVX-512 either.

    python benches/instructions.py [TARGET_FOLDER]

Builds benches/rooms.rs. Starting the program cancels out: it is counted at 1 and at 11 times.
"""
import json, pathlib, re, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = {
    "decode": "a JPEG of 500 x 375 pixels",
    "preprocess": "resize to 256, crop 224, normalise",
    "depthwise": "5 x 5 on 240 x 28 x 28, without AVX-512",
    "pointwise": "80 to 480 channels of 14 x 14, without AVX-512",
    "dense": "3 x 3, 128 to 128 channels of 28 x 28, without AVX-512",
    "cam": "1280 x 7 x 7 features to a map",
    "score": "ten regions: footprints and scores",
    "localise": "pointing game and rank accuracy on 224 x 224 pixels",
}


def binary():
    command = ["cargo", "build", "--release", "--locked", "--bench", "rooms", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [m["executable"] for m in map(json.loads, lines) if m.get("reason") == "compiler-artifact" and m["target"]["name"] == "rooms"]
    return built[-1]


def count(rooms, room, times):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", rooms, room, str(times)], check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


rooms = binary()
for room, what in ROOMS.items():
    once = (count(rooms, room, 11) - count(rooms, room, 1)) / 10
    print(f"{room:<11}{once / 1e6:9.2f} M instructions   {what}")
