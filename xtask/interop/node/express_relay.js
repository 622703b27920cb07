// The relay of examples/src/bin/relay.rs in express and undici, traced by OpenTelemetry's own instrumentations.

const { NodeSDK } = require("@opentelemetry/sdk-node");
const { ExpressInstrumentation } = require("@opentelemetry/instrumentation-express");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { PinoInstrumentation } = require("@opentelemetry/instrumentation-pino");
const { UndiciInstrumentation } = require("@opentelemetry/instrumentation-undici");

const sdk = new NodeSDK({
  instrumentations: [
    new HttpInstrumentation(),
    new ExpressInstrumentation(),
    new UndiciInstrumentation(),
    new PinoInstrumentation(),
  ],
});
// What is instrumented has to be loaded behind this.
sdk.start();

const { propagation } = require("@opentelemetry/api");
const express = require("express");
const pino = require("pino");
const { request: send } = require("undici");

const logger = pino({ messageKey: "message" });
const app = express();

app.get("/relay/:hops", async (request, response) => {
  const hops = Number(request.params.hops);
  logger.info({ hops }, "relayed");
  let answer = null;
  if (hops > 0) {
    const { body } = await send(`${process.env.NEXT_URL}/relay/${hops - 1}`);
    answer = await body.json();
  }
  const entries = propagation.getActiveBaggage()?.getAllEntries() ?? [];
  response.json({
    service: process.env.OTEL_SERVICE_NAME,
    headers: Object.keys(request.headers).filter(carriesContext),
    baggage: Object.fromEntries(entries.map(([key, { value }]) => [key, value])),
    next: answer,
  });
});

function carriesContext(header) {
  return ["traceparent", "tracestate", "b3", "baggage"].includes(header) || header.startsWith("x-b3-");
}

const server = app.listen(0, "127.0.0.1", () => {
  console.error(`express listening on http://127.0.0.1:${server.address().port}`);
});

// Ending after the shutdown lets the SDK flush.
process.on("SIGTERM", () => sdk.shutdown().finally(() => process.exit(0)));
