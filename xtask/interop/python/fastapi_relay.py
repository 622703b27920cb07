"""The relay of examples/src/bin/relay.rs in FastAPI and httpx, traced by OpenTelemetry's own instrumentations."""

import logging
import os
import signal
import socket
import sys

import httpx
import uvicorn
from fastapi import FastAPI, Request
from opentelemetry import baggage

app = FastAPI()
logger = logging.getLogger("relay")
logger.setLevel(logging.INFO)


@app.get("/relay/{hops}")
async def relay(hops: int, request: Request):
    logger.info("relayed", extra={"hops": hops})
    answer = None
    if hops > 0:
        async with httpx.AsyncClient(timeout=20) as client:
            answer = (await client.get(f"{os.environ['NEXT_URL']}/relay/{hops - 1}")).json()
    return {
        "service": os.environ["OTEL_SERVICE_NAME"],
        "headers": [name for name in request.headers.keys() if carries_context(name)],
        "baggage": dict(baggage.get_all()),
        "next": answer,
    }


def carries_context(header):
    return header in ("traceparent", "tracestate", "b3", "baggage") or header.startswith("x-b3-")


# Ending by sys.exit lets the SDK flush.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
listener = socket.create_server(("127.0.0.1", 0))
print(f"fastapi listening on http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
