"""The relay of examples/src/bin/relay.rs in Flask and requests, traced by OpenTelemetry's own instrumentations."""

import logging
import os
import signal
import sys

import requests
from flask import Flask, request
from opentelemetry import baggage
from werkzeug.serving import make_server

app = Flask(__name__)
logger = logging.getLogger("relay")
logger.setLevel(logging.INFO)


@app.get("/relay/<int:hops>")
def relay(hops):
    logger.info("relayed", extra={"hops": hops})
    answer = None
    if hops > 0:
        answer = requests.get(f"{os.environ['NEXT_URL']}/relay/{hops - 1}", timeout=20).json()
    return {
        "service": os.environ["OTEL_SERVICE_NAME"],
        "headers": [name for name in map(str.lower, request.headers.keys()) if carries_context(name)],
        "baggage": dict(baggage.get_all()),
        "next": answer,
    }


def carries_context(header):
    return header in ("traceparent", "tracestate", "b3", "baggage") or header.startswith("x-b3-")


# Ending by sys.exit lets the SDK flush.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = make_server("127.0.0.1", 0, app, threaded=True)
print(f"flask listening on http://127.0.0.1:{server.port}", file=sys.stderr, flush=True)
server.serve_forever()
