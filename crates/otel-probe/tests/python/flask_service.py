"""A Flask service, traced by OpenTelemetry's own instrumentation. NEXT is the URL of a service to call."""

import logging
import os
import signal
import sys

import requests
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)


@app.get("/users/<user>")
def user(user):
    logging.warning("user %s asked for", user)
    if "NEXT" in os.environ:
        return requests.get(os.environ["NEXT"], timeout=10).text
    return "Ada"


# sys.exit lets the SDK flush.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = make_server("127.0.0.1", 0, app)
print(f"flask listening on http://127.0.0.1:{server.port}", file=sys.stderr, flush=True)
server.serve_forever()
