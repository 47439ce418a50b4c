"""The server of uvicorn, without a framework. It is told its folder and the descriptor of its socket."""

import json
import os
import socket
import sys

import uvicorn

folder, fd = sys.argv[1], int(sys.argv[2])

with open(os.path.join(folder, "record.json")) as f:
    record = json.load(f)


def hello():
    return b"text/plain; charset=utf-8", b"hello"


def as_json():
    return b"application/json", json.dumps(record, separators=(",", ":")).encode()


def file():
    with open(os.path.join(folder, "file"), "rb") as f:
        return b"application/octet-stream", f.read()


paths = {"/hello": hello, "/json": as_json, "/file": file}


async def app(scope, receive, send):
    make = paths.get(scope["path"])
    status, (kind, body) = (200, make()) if make else (404, (b"text/plain", b"not found"))
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


config = uvicorn.Config(
    app, lifespan="off", log_level="warning", access_log=False,
    timeout_keep_alive=3600,  # idle connections are measured too
)
uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])
