"""A FastAPI service, traced by OpenTelemetry's own instrumentation. NEXT is the URL of a service to call."""

import logging
import os
import signal
import socket
import sys

import requests
import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/users/{user}")
def user(user: str):
    logging.warning("user %s asked for", user)
    if "NEXT" in os.environ:
        return requests.get(os.environ["NEXT"], timeout=10).text
    return "Ada"


# sys.exit lets the SDK flush.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
listener = socket.create_server(("127.0.0.1", 0))
print(f"fastapi listening on http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
