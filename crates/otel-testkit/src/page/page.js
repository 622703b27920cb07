"use strict";
const traces = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const state = { trace: null, span: null, from: 0, to: 1 };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function time(nanos) {
  if (nanos < 1e3) return `${Math.round(nanos)} ns`;
  if (nanos < 1e6) return `${(nanos / 1e3).toFixed(1)} µs`;
  if (nanos < 1e9) return `${(nanos / 1e6).toFixed(1)} ms`;
  return `${(nanos / 1e9).toFixed(2)} s`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function services(trace) {
  return [...new Set(trace.spans.map((span) => span.service).filter(Boolean))];
}

function color(trace, span) {
  const index = Math.max(services(trace).indexOf(span.service), 0);
  return `var(--s${index % 6})`;
}

function rootName(trace) {
  const root = trace.spans.find((span) => !span.parent_span_id) ?? trace.spans[0];
  return root ? root.name : trace.trace_id;
}

function errors(trace) {
  return trace.spans.filter((span) => span.status === "ERROR").length;
}

// Returns the roots and the spans below them, then orphans below their missing parent, then spans in a circle. Each span
// appears once, at any depth.
function rowsOf(trace) {
  const known = new Set(trace.spans.map((span) => span.span_id));
  const children = new Map();
  for (const span of trace.spans) {
    const list = children.get(span.parent_span_id) ?? [];
    list.push(span);
    children.set(span.parent_span_id, list);
  }
  const rows = [];
  const seen = new Set();
  const walk = (top) => {
    const stack = [[top, 0]];
    while (stack.length > 0) {
      const [span, depth] = stack.pop();
      if (seen.has(span)) continue;
      seen.add(span);
      rows.push({ span, depth });
      const below = children.get(span.span_id) ?? [];
      for (let i = below.length - 1; i >= 0; i--) stack.push([below[i], depth + 1]);
    }
  };
  trace.spans.filter((span) => !span.parent_span_id).forEach(walk);
  for (const span of trace.spans) {
    if (seen.has(span) || known.has(span.parent_span_id)) continue;
    rows.push({ note: `orphan, parent ${span.parent_span_id} not seen` });
    children.get(span.parent_span_id).forEach(walk);
  }
  for (const span of trace.spans) {
    if (seen.has(span)) continue;
    rows.push({ note: "its own ancestor, in a circle" });
    walk(span);
  }
  return rows;
}

function place(bar, start, length) {
  const width = state.to - state.from;
  bar.style.left = `${((start - state.from) / width) * 100}%`;
  bar.style.width = `${(length / width) * 100}%`;
  bar.dataset.start = start;
  bar.dataset.length = length;
}

function row(trace, { span, depth, note }) {
  if (note) return element("div", "note", note);
  const line = element("div", "row");
  line.dataset.span = span.span_id;
  line.setAttribute("role", "treeitem");
  line.setAttribute("aria-level", depth + 1);
  line.tabIndex = 0;
  const name = element("div", "name");
  name.style.paddingLeft = `${Math.min(depth, 24) * 0.9}rem`;
  if (span.service) {
    const service = element("span", "service", span.service);
    service.style.color = color(trace, span);
    name.append(service);
  }
  name.append(element("span", span.status === "ERROR" ? "error-text" : "", span.name));
  name.append(element("span", "kind", span.kind));
  name.title = span.name;
  const track = element("div", "track");
  for (const gap of trace.gaps.filter((gap) => gap.client === span.span_id)) {
    const parts = [
      [span.at, gap.before],
      [span.at + span.duration - gap.after, gap.after],
    ];
    for (const [start, length] of parts) {
      if (length <= 0) continue;
      const hatch = element("div", "gap-bar");
      hatch.title = `network and queue: ${time(length)}`;
      hatch.style.zIndex = 1;
      place(hatch, start, length);
      track.append(hatch);
    }
  }
  const bar = element("div", span.status === "ERROR" ? "bar error" : "bar");
  bar.style.background = color(trace, span);
  bar.title = `${span.name}: ${time(span.duration)}`;
  place(bar, span.at, span.duration);
  track.append(bar);
  line.append(name, track, element("span", "time", time(span.duration)));
  line.addEventListener("click", () => select(span));
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") select(span);
  });
  line.addEventListener("dblclick", () => zoomTo(span.at, span.at + Math.max(span.duration, 1)));
  return line;
}

// Moves the existing elements instead of drawing them again, so that zooming is fast and keeps the focus.
function redraw() {
  const width = state.to - state.from;
  for (const bar of document.querySelectorAll(".bar, .gap-bar")) {
    place(bar, Number(bar.dataset.start), Number(bar.dataset.length));
  }
  const ticks = element("div", "ticks");
  const steps = 5;
  for (let i = 0; i < steps; i++) {
    const tick = element("span", "tick", time(state.from + (width * i) / steps));
    tick.style.left = `${(i / steps) * 100}%`;
    ticks.append(tick);
  }
  by("axis").replaceChildren(element("div"), ticks);
}

function zoomTo(from, to) {
  const length = Math.max(state.trace.duration, 1);
  const width = Math.min(Math.max(to - from, 1), length);
  state.from = Math.min(Math.max(from, 0), length - width);
  state.to = state.from + width;
  redraw();
}

function zoom(factor, at = (state.from + state.to) / 2) {
  const left = (at - state.from) * factor;
  const width = (state.to - state.from) * factor;
  zoomTo(at - left, at - left + width);
}

function table(fields) {
  const made = element("table");
  for (const [key, value] of Object.entries(fields)) {
    const line = element("tr");
    const text = typeof value === "string" ? value : JSON.stringify(value);
    line.append(element("td", "", key), element("td", "", text));
    made.append(line);
  }
  return made;
}

function section(parent, title, fields) {
  if (Object.keys(fields).length === 0) return;
  parent.append(element("h3", "", title), table(fields));
}

function select(span) {
  state.span = span;
  for (const line of document.querySelectorAll(".row")) {
    line.setAttribute("aria-selected", line.dataset.span === span.span_id);
  }
  const details = by("details");
  details.replaceChildren(element("h2", span.status === "ERROR" ? "error-text" : "", span.name));
  const gap = state.trace.gaps.find((gap) => gap.client === span.span_id);
  const facts = {
    service: span.service ?? "not named",
    kind: span.kind,
    status: span.description ? `${span.status}: ${span.description}` : span.status,
    start: time(span.at),
    duration: time(span.duration),
    "span id": span.span_id,
    "parent id": span.parent_span_id ?? "none",
  };
  if (gap) facts["network and queue"] = `${time(gap.before)} before, ${time(gap.after)} after`;
  if (span.trace_state) facts.tracestate = span.trace_state;
  if (span.scope) facts.scope = span.scope;
  details.append(table(facts));
  section(details, "Attributes", span.attributes);
  for (const event of span.events) {
    section(details, `Event ${event.name}`, { at: time(event.at), ...event.attributes });
  }
  for (const link of span.links) {
    const { trace_id, span_id, attributes } = link;
    section(details, "Link", { "trace id": trace_id, "span id": span_id, ...attributes });
  }
  section(details, "Resource", span.resource);
  const lines = state.trace.logs.filter((line) => line.span_id === span.span_id);
  if (lines.length > 0) details.append(element("h3", "", "Log lines"), ...lines.map(logLine));
}

const SHOWN_APART = ["timestamp", "level", "target", "message", "trace_id", "span_id", "trace_flags", "resource"];

function logLine(line) {
  const made = element("div", "log");
  const message = typeof line.message === "string" ? line.message : JSON.stringify(line.message ?? "");
  const rest = Object.entries(line).filter(([key]) => !SHOWN_APART.includes(key));
  made.append(
    element("time", "", `${line.timestamp ?? ""} `),
    element("span", `level-${line.level}`, `${line.level ?? ""} `),
    element("span", "", message),
    element("span", "more", rest.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join("")),
  );
  made.addEventListener("click", () => {
    const span = state.trace.spans.find((span) => span.span_id === line.span_id);
    if (span) select(span);
  });
  return made;
}

function show(trace) {
  state.trace = trace;
  [...by("traces").children].forEach((button, index) => {
    button.setAttribute("aria-current", traces[index] === trace);
  });
  by("title").textContent = rootName(trace);
  const failed = errors(trace);
  by("summary").textContent = [
    `trace ${trace.trace_id}`,
    trace.start,
    time(trace.duration),
    count(trace.spans.length, "span"),
    count(services(trace).length, "service"),
    ...(failed > 0 ? [count(failed, "error")] : []),
  ].join(" · ");
  by("rows").replaceChildren(...rowsOf(trace).map((it) => row(trace, it)));
  by("logs").replaceChildren();
  if (trace.logs.length > 0) {
    by("logs").append(element("h3", "", "Log lines"), ...trace.logs.map(logLine));
  }
  zoomTo(0, Math.max(trace.duration, 1));
  const first = trace.spans.find((span) => span.status === "ERROR") ?? trace.spans[0];
  if (first) select(first);
}

function timeAt(event) {
  const track = document.querySelector(".track").getBoundingClientRect();
  return state.from + ((event.clientX - track.left) / track.width) * (state.to - state.from);
}

by("rows").addEventListener("wheel", (event) => {
  if (!event.target.closest(".track") || event.shiftKey) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.8 : 1.25, timeAt(event));
}, { passive: false });

by("rows").addEventListener("pointerdown", (event) => {
  const track = event.target.closest(".track");
  if (!track) return;
  let last = event.clientX;
  const move = (event) => {
    const width = state.to - state.from;
    const shift = ((last - event.clientX) / track.clientWidth) * width;
    last = event.clientX;
    zoomTo(state.from + shift, state.to + shift);
  };
  const up = () => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", up);
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", up);
});

const fit = () => zoomTo(0, Math.max(state.trace.duration, 1));
by("zoom-in").addEventListener("click", () => zoom(0.5));
by("zoom-out").addEventListener("click", () => zoom(2));
by("fit").addEventListener("click", fit);
document.addEventListener("keydown", (event) => {
  if (!state.trace || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "+") zoom(0.5);
  if (event.key === "-") zoom(2);
  if (event.key === "0") fit();
});

for (const trace of traces) {
  const button = element("button", "", rootName(trace));
  const failed = errors(trace);
  const facts = `${time(trace.duration)} · ${count(trace.spans.length, "span")}`;
  button.append(element("small", failed > 0 ? "error-text" : "", failed > 0 ? `${facts} · ${count(failed, "error")}` : facts));
  button.addEventListener("click", () => show(trace));
  by("traces").append(button);
}
if (traces.length > 0) {
  show(traces[0]);
} else {
  by("title").textContent = "No trace has arrived";
}
