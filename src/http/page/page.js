// The page's only script. The server draws pictures and reckons; this keeps the view in the address, asks, and puts answers in
// place. Whatever a log says becomes text (textContent), never markup.
"use strict";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// What is shown. All of it stands in the address.
const WINDOW = ["from", "until", "since", "at", "window"];
let state = {};
// More lines are asked for so many pixels before their end is seen.
const AHEAD = 300;
// The last answers.
let overview = null;
let routes = { rows: [], routes: 0 };
let lines = { count: 0, shown: 0, ended: false };
// One question of a kind at a time: a newer one ends the older.
const asking = {};

// ---- address

function readAddress() {
  const query = new URLSearchParams(location.search);
  const window = {};
  for (const name of WINDOW) if (query.get(name)) window[name] = query.get(name);
  const box = (query.get("box") || "").split(",");
  state = {
    window,
    routes: query.getAll("route").filter(Boolean),
    only: query.getAll("only").filter(Boolean),
    not: query.getAll("not").filter(Boolean),
    box: box.length === 4 ? { from: +box[0], until: +box[1], least: +box[2] || 0, most: box[3] === "" ? null : +box[3] } : null,
    tab: query.get("tab") || "lines",
    sort: query.get("sort") || "change",
    filter: query.get("filter") || "",
    tz: query.get("tz") || "",
    click: query.get("click") || "",
  };
}

function boxText(box) {
  return [box.from, box.until, box.least, box.most === null ? "" : box.most].join(",");
}

// What the server is asked for; the address has the same and how it is shown.
function question() {
  const query = new URLSearchParams();
  for (const name of WINDOW) if (state.window[name]) query.set(name, state.window[name]);
  for (const route of state.routes) query.append("route", route);
  for (const text of state.only) query.append("only", text);
  for (const text of state.not) query.append("not", text);
  if (state.box) query.set("box", boxText(state.box));
  if (state.click) query.set("click", state.click);
  return query;
}

function address() {
  const query = question();
  if (state.tab !== "lines") query.set("tab", state.tab);
  if (state.sort !== "change") query.set("sort", state.sort);
  if (state.filter) query.set("filter", state.filter);
  if (state.tz) query.set("tz", state.tz);
  const text = query.toString().replace(/%2C/g, ",").replace(/%3A/g, ":");
  return text ? "/?" + text : "/";
}

// Go to another view: Back leads here again.
function go(change, what = "all") {
  Object.assign(state, change);
  // What was clicked on a graph led to the first view; other windows and boxes are the reader's own.
  if ("window" in change || "box" in change) state.click = "";
  history.pushState(null, "", address());
  show(what);
}

function zone() {
  return state.tz || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

// ---- asking

async function ask(kind, path, query) {
  asking[kind]?.abort();
  const abort = new AbortController();
  asking[kind] = abort;
  query.set("tz", zone());
  const slow = setTimeout(() => say(`reading ${kind} ..`), 300);
  try {
    const response = await fetch(`${path}?${query}`, { signal: abort.signal, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error((await response.text()).trim() || `${response.status}`);
    const answer = await response.json();
    if (asking[kind] !== abort) return null;
    say("");
    return answer;
  } catch (error) {
    if (error.name === "AbortError" || asking[kind] !== abort) return null;
    const gone = error instanceof TypeError;
    say(gone ? "spikeline does not answer: is it still running? This page goes on by itself when it does." : error.message, true);
    return null;
  } finally {
    clearTimeout(slow);
  }
}

function say(text, wrong = false) {
  const said = $("said");
  said.textContent = text;
  said.hidden = !text;
  said.classList.toggle("wrong", wrong);
}

// ---- words

// Text of a log as it can be read: what moves a cursor or turns the direction of writing is shown by its number.
function visible(text, keepLines = false) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (c) =>
    keepLines && c === "\n" ? c : `\\u{${c.codePointAt(0).toString(16)}}`);
}

const grouped = new Intl.NumberFormat("en-US");
const count = (number) => grouped.format(number);

function millis(ms) {
  if (ms === null || ms === undefined) return "-";
  const sign = ms < 0 ? "-" : "";
  const size = Math.abs(ms);
  if (size < 1e4) return `${sign}${count(Math.round(size))} ms`;
  if (size < 6e5) return `${sign}${(size / 1e3).toFixed(1)} s`;
  if (size < 3.6e7) return `${sign}${(size / 6e4).toFixed(1)} min`;
  return `${sign}${count((size / 3.6e6).toFixed(1))} h`;
}

// Without its unit beside a heading that says it.
function seconds(ms) {
  if (ms === null || ms === undefined) return "-";
  return ms < 1e3 ? `${ms} ms` : ms < 1e5 ? `${(ms / 1e3).toFixed(ms < 1e4 ? 2 : 1)} s` : millis(ms);
}

function rate(number) {
  return number >= 100 ? count(Math.round(number)) : number >= 10 ? number.toFixed(1) : number.toFixed(2);
}

const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`);

function clock(ms) {
  const format = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone() };
  try {
    return new Intl.DateTimeFormat("en-GB", format).format(ms);
  } catch {
    return new Date(ms).toISOString().slice(11, 19);
  }
}

const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

// ---- putting in place

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// A picture of the server's as elements.
function picture(svg) {
  return document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
}

function table(of, place) {
  const head = make("tr", {}, ...of.headings.map((text) => make("th", { scope: "col" }, text)));
  const body = make("tbody");
  for (const row of of.rows) {
    body.append(make("tr", {}, ...row.map((cell, at) => make(at ? "td" : "th", at ? {} : { scope: "row" }, cell))));
  }
  place.replaceChildren(make("table", { class: "pic-table" }, make("caption", {}, of.caption), make("thead", {}, head), body));
}

function command(text, place) {
  if (!text) {
    place.replaceChildren(make("p", { class: "quiet" }, "`why` takes no conditions on fields; copy the link instead. ", copyButton("copy link", () => location.href)));
    return;
  }
  // Words stay whole, with the blanks between them.
  const words = visible(text).split(/( )/).map((word) => (word === " " ? word : make("span", {}, word)));
  place.replaceChildren(make("div", { class: "command" }, make("code", {}, ...words), copyButton("copy", () => text), copyButton("link", () => location.href)));
}

function copyButton(word, text) {
  const button = make("button", { type: "button", title: word === "link" ? "copy a link to this view" : "copy" }, word);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "copied";
    } catch {
      const area = make("textarea", {});
      area.value = text();
      button.after(area);
      area.select();
      button.textContent = document.execCommand("copy") ? "copied" : "not allowed";
      area.remove();
    }
    setTimeout(() => (button.textContent = word), 1500);
  });
  return button;
}

// ---- the whole view

async function show(what = "all") {
  $("filter").value = state.filter;
  showChosen();
  if (what === "box") return showBox();
  if (what === "routes-only") return showRoutes();
  const drawn = showOverview();
  const listed = showRoutes();
  await drawn;
  await showBox();
  await listed;
}

function scale() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 14;
}

async function showOverview(fresh = false) {
  const query = question();
  query.delete("box");
  const place = $("picture");
  const width = Math.max(place.clientWidth, 260);
  // As high as leaves room for what stands below it.
  const height = Math.max(260, Math.min(width * 0.5, innerHeight * (width < 600 ? 0.5 : 0.46)));
  query.set("width", Math.round(width / scale()));
  query.set("height", Math.round(height / scale()));
  const answer = await ask("picture", "/page/overview", query);
  if (!answer) return;
  overview = answer;
  const what = state.routes.length === 1 ? routeName(state.routes[0]) : state.routes.length ? `${state.routes.length} routes` : "all routes";
  $("picture-title").textContent = `${visible(what)}, ${answer.words}`;
  document.title = `${visible(what)}, ${answer.words} - spikeline`;
  const svg = picture(answer.svg);
  if (fresh) svg.classList.add("fresh");
  place.replaceChildren(svg);
  place.hidden = answer.state !== "shown";
  $("picture-help").hidden = answer.state !== "shown";
  $("picture-table").hidden = answer.state !== "shown";
  showEmpty(answer);
  drawSelection();
  table(answer.table, $("picture-table").querySelector("div"));
  command(answer.command, $("picture-command"));
  showWindow(answer);
  showRead(answer);
}

// An empty view says why it is, and what to do next.
function showEmpty(answer) {
  const place = $("empty");
  place.hidden = answer.state === "shown";
  document.querySelector("main").classList.toggle("nothing", answer.state === "empty");
  if (answer.state === "shown") return;
  const goTo = (words, change) => make("p", {}, make("button", { type: "button", onclick: () => go(change) }, words));
  if (answer.state === "empty") {
    const reading = answer.read_until === null;
    place.replaceChildren(
      make("h3", {}, reading ? "Nothing has been read yet" : "No request has been logged yet"),
      make("p", {}, reading
        ? "The store is empty: `spikeline run` follows the logs and fills it."
        : `The logs are read until ${answer.read_until} and hold no request so far. As soon as one is logged it is here, without a reload.`),
      make("p", {}, "What to do next:"),
      make("ul", {}, ...[
        ["spikeline status", "which logs are followed, and how far each is read"],
        ["spikeline check", "what is in the way: a path, a right, a format that lines do not fit"],
        ["spikeline index FILE", "takes in logs of the past, also packed ones"],
        ["spikeline serve FILE", "this page over files, without a store"],
      ].map(([typed, does]) => make("li", {}, make("code", {}, typed), ` ${does}`))),
    );
    return;
  }
  const [first, last] = answer.known;
  const inside = answer.until > first && answer.from < last;
  place.replaceChildren(
    make("h3", {}, "No request in this window" + (state.only.length || state.not.length ? " has these values" : state.routes.length ? " of this route" : "")),
    make("p", {}, inside ? "The store has requests before and after it." : `The store knows of requests from ${clock(first)} (${iso(first).slice(0, 10)}) to ${clock(last)} (${iso(last).slice(0, 10)}).`),
  );
  if (state.only.length || state.not.length) place.append(goTo("without these conditions", { only: [], not: [], box: null }));
  if (state.routes.length) place.append(goTo("all routes", { routes: [], box: null }));
  if (!inside) place.append(goTo("the last hour that there is", { window: { from: iso(Math.max(first, last - 3.6e6)), until: iso(last) }, box: null }));
}

function showWindow(answer) {
  $("zone").textContent = `times in ${answer.zone}`;
  $("live").setAttribute("aria-pressed", answer.follows);
  if (document.activeElement !== $("from")) $("from").value = answer.from_words;
  if (document.activeElement !== $("until")) $("until").value = answer.follows ? "now" : answer.until_words;
}

// How far the logs are read, and what is missing, in the ledger's words.
function showRead(answer) {
  const lacking = answer.missing.length;
  const words = [lacking ? `partial: ${lacking === 1 ? "one thing is" : `${count(lacking)} things are`} missing` : "complete"];
  if (answer.read_until) {
    const ago = answer.read_ago_ms;
    words.push(`; the logs were read until ${answer.read_until}` + (ago >= 0 && ago < 8.64e7 ? ` (${ago < 9e4 ? `${Math.round(ago / 1000)} s` : ago < 5.4e6 ? `${Math.round(ago / 6e4)} min` : millis(ago)} ago)` : ""));
  }
  $("read").textContent = words.join("");
  const missing = $("missing");
  missing.replaceChildren(...answer.missing.map((text) => make("li", {}, visible(text))));
  const notes = answer.notes.slice();
  if (answer.untimed) notes.push(`${count(answer.untimed)} requests are in no row: how long they took is not known`);
  if (answer.by_upstream) notes.push("where a log has no $request_time, times are those of $upstream_response_time");
  $("notes").hidden = !notes.length;
  $("notes").querySelector("summary").textContent = notes.length === 1 ? "a note" : `${notes.length} notes`;
  $("notes").querySelector("ul").replaceChildren(...notes.map((text) => make("li", {}, visible(text))));
}

function routeName(route) {
  return routes.rows.find((row) => row.route === route)?.name || route;
}

// What is chosen, each to be taken back by a click.
function showChosen() {
  const chips = [];
  const without = (kind, text) => go({ [kind]: state[kind].filter((held) => held !== text), box: kind === "routes" ? null : state.box });
  for (const route of state.routes) {
    chips.push(make("button", { type: "button", title: "all routes again", onclick: () => without("routes", route) }, `route ${visible(routeName(route))} ✕`));
  }
  for (const kind of ["only", "not"]) {
    for (const text of state[kind]) {
      const words = `${kind === "not" ? "not " : ""}${visible(text.replace(":", " = "))} ✕`;
      chips.push(make("button", { type: "button", title: "without this condition", onclick: () => without(kind, text) }, words));
    }
  }
  $("chosen").replaceChildren(...chips);
}

// ---- routes

const COLUMNS = [
  ["name", "name", "route"],
  ["spark", null, "p99"],
  ["rate", "requests", "per s"],
  ["p50", "p50", "p50"],
  ["p99", "p99", "p99"],
  ["share", "total", "time"],
  ["errors", "errors", "5xx"],
  ["change", "change", "change"],
];

async function showRoutes(more = false) {
  const query = question();
  for (const name of ["box", "only", "not"]) query.delete(name);
  if (state.filter) query.set("filter", state.filter);
  query.set("sort", state.sort);
  query.set("offset", more ? routes.rows.length : 0);
  const answer = await ask("routes", "/page/routes", query);
  if (!answer) return;
  routes = more ? { ...answer, rows: routes.rows.concat(answer.rows) } : answer;
  $("routes-count").textContent = count(answer.routes);
  const columns = COLUMNS.filter(([name]) => answer.against || name !== "change");
  $("routes-head").replaceChildren(...columns.map(([name, sort, title]) => make("th", { scope: "col", class: name }, sort
    ? make("button", { type: "button", "aria-pressed": String(state.sort === sort), onclick: () => go({ sort }, "routes-only") }, title) : title)));
  $("routes-table").classList.toggle("against", Boolean(answer.against));
  const body = $("routes-body");
  if (!more) body.replaceChildren(routeRow({ ...answer.all, name: "all", route: null }));
  for (const row of answer.rows) body.append(routeRow(row));
  const left = answer.routes - routes.rows.length;
  $("routes-more").hidden = left <= 0;
  $("routes-more").textContent = left > 0 ? `${count(left)} more: scroll, or filter` : "";
  $("routes-against").textContent = answer.against
    ? `change: time that requests took more, or less, than from ${answer.against}`
    : "there is nothing before this window to compare it with: sorted by time";
  command(answer.command, $("routes-command"));
  showChosen();
}

function routeRow(row) {
  const all = row.route === null;
  const chosen = all ? !state.routes.length : row.chosen;
  const choose = (event) => {
    if (all) return go({ routes: [], box: null });
    const add = event && (event.shiftKey || event.ctrlKey || event.metaKey);
    const others = state.routes.filter((held) => held !== row.route);
    const held = others.length < state.routes.length;
    go({ routes: add ? (held ? others : others.concat(row.route)) : held && state.routes.length === 1 ? [] : [row.route], box: null });
  };
  const spark = make("td", { class: "spark-cell" });
  if (row.spark) spark.append(picture(row.spark));
  const change = row.change_ms;
  const name = make("button", { type: "button", title: visible(row.name), "aria-pressed": String(chosen) }, visible(row.name));
  const element = make("tr", { class: [chosen ? "chosen" : "", all ? "all" : ""].join(" ").trim() },
    make("th", { scope: "row" }, name, row.probe ? make("small", { title: "requests of monitoring: in none of the routes" }, " monitoring") : null),
    spark,
    make("td", {}, rate(row.rate)),
    make("td", {}, seconds(row.p50_ms)),
    make("td", {}, seconds(row.p99_ms)),
    make("td", {}, row.probe ? "" : percent(row.share)),
    make("td", { class: row.errors ? "worse" : "" }, row.errors ? count(row.errors) : ""),
    change === null || change === undefined ? (row.probe && routes.against ? make("td") : null) : make("td", { class: change > 0 && change > row.total_ms / 2 ? "worse" : "" }, (change > 0 ? "+" : "") + millis(change)));
  element.dataset.route = row.route ?? "";
  element.addEventListener("click", choose);
  return element;
}

function nextRoute(by) {
  const names = [null, ...routes.rows.map((row) => row.route)];
  const at = state.routes.length === 1 ? names.indexOf(state.routes[0]) : 0;
  const next = names[Math.max(0, Math.min(names.length - 1, at + by))];
  go({ routes: next === null ? [] : [next], box: null });
}

// ---- the box on the picture

function place(event) {
  const svg = $("picture").querySelector("svg");
  const frame = overview.frame;
  const at = svg.getBoundingClientRect();
  const x = (event.clientX - at.left) * frame.width / at.width;
  const y = (event.clientY - at.top) * frame.height / at.height;
  return { x, y, inside: x >= frame.left && x <= frame.right && y >= frame.top && y <= frame.bottom };
}

// From when to when a column is that holds this place.
function columnAt(x) {
  const { frame, from, until, step_ms } = overview;
  const share = Math.min(Math.max((x - frame.left) / (frame.right - frame.left), 0), 0.999999);
  const start = Math.floor((from + share * (until - from)) / step_ms) * step_ms;
  return { from: Math.max(start, from), until: Math.min(start + step_ms, until) };
}

// Rows come from the lowest to the highest.
function rowAt(y) {
  const rows = overview.rows;
  return rows.find((row) => y <= row.bottom && y >= row.top) || (y > rows[0].bottom ? rows[0] : y < rows[rows.length - 1].top ? rows[rows.length - 1] : rows.find((row) => y > row.top) || rows[0]);
}

function boxBetween(a, b) {
  const [left, right] = [columnAt(Math.min(a.x, b.x)), columnAt(Math.max(a.x, b.x))];
  const [upper, lower] = [rowAt(Math.min(a.y, b.y)), rowAt(Math.max(a.y, b.y))];
  const rows = overview.rows;
  return {
    from: left.from,
    until: right.until,
    least: lower === rows[0] ? 0 : lower.from_ms,
    // What the highest row holds has nothing above it.
    most: upper === rows[rows.length - 1] ? null : upper.until_ms,
  };
}

function xOf(time) {
  const { frame, from, until } = overview;
  return frame.left + (frame.right - frame.left) * Math.min(Math.max((time - from) / (until - from), 0), 1);
}

function drawSelection(box = state.box) {
  const svg = $("picture").querySelector("svg");
  if (!svg || !overview || overview.state !== "shown") return;
  for (const old of svg.querySelectorAll(".selection, .selection-back")) old.remove();
  if (!box) return;
  const rows = overview.rows;
  const lowest = rows.find((row) => row.from_ms >= box.least) || rows[rows.length - 1];
  const above = box.most === null ? null : rows.filter((row) => row.from_ms < box.most).pop();
  const top = (above || rows[rows.length - 1]).top;
  const bottom = box.least ? lowest.bottom : rows[0].bottom;
  const at = { x: xOf(box.from), y: top, width: Math.max(xOf(box.until) - xOf(box.from), 2), height: Math.max(bottom - top, 2) };
  svg.append(draw("rect", { class: "selection-back", ...at }), draw("rect", { class: "selection", ...at }));
}

function inBox(box) {
  let [inside, all] = [0, 0];
  for (const column of overview.columns) {
    all += column.requests;
    if (column.from < box.from || column.until > box.until) continue;
    if (!box.least && box.most === null) inside += column.requests;
    else for (const [row, number] of column.counts) if (row >= box.least && (box.most === null || row < box.most)) inside += number;
  }
  return { inside, all };
}

function boxWords(box) {
  const time = `${clock(box.from)} to ${clock(box.until)}`;
  if (!box.least && box.most === null) return time;
  if (box.most === null) return `${time}, ${seconds(box.least)} and longer`;
  return box.least ? `${time}, ${seconds(box.least)} to ${seconds(box.most)}` : `${time}, under ${seconds(box.most)}`;
}

function shapeWords(box) {
  const [high, wide] = [!box.least && box.most === null, box.from <= overview.from && box.until >= overview.until];
  if (high && wide) return "all that is shown";
  if (high) return "this time, beside what was before and after it";
  if (wide) return "these latencies, beside the faster and slower ones";
  return "this cluster, beside all the rest that is shown";
}

let drag = null;
let firstTap = null;

function startDrag(event) {
  if (!overview || overview.state !== "shown" || event.button) return;
  const at = place(event);
  if (!at.inside) return;
  if (event.pointerType === "touch") return;
  drag = { from: at, moved: false };
  try { $("picture").setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
  event.preventDefault();
  $("picture").focus({ preventScroll: true });
}

function moveDrag(event) {
  if (!overview || overview.state !== "shown") return;
  const at = place(event);
  if (drag) {
    drag.moved ||= Math.abs(at.x - drag.from.x) + Math.abs(at.y - drag.from.y) > 5;
    if (drag.moved) drawSelection(boxBetween(drag.from, at));
    hidePointer();
    return;
  }
  if (at.inside && event.pointerType !== "touch") showPointer(event, at);
  else hidePointer();
}

function endDrag(event) {
  if (!drag) return;
  const { from, moved } = drag;
  drag = null;
  const box = moved ? boxBetween(from, place(event)) : { ...columnAt(from.x), least: 0, most: null };
  go({ box, tab: state.tab }, "box");
}

// Two taps are two corners.
function tap(event) {
  if (event.pointerType !== "touch" || !overview || overview.state !== "shown") return;
  const at = place(event);
  if (!at.inside) return;
  if (!firstTap) {
    firstTap = at;
    drawSelection(boxBetween(at, at));
    say("one corner; tap the other");
    return;
  }
  const box = boxBetween(firstTap, at);
  firstTap = null;
  say("");
  go({ box }, "box");
}

// What a column holds, under the pointer.
function showPointer(event, at) {
  const start = columnAt(at.x);
  const column = overview.columns.find((held) => held.from === start.from);
  const row = rowAt(at.y);
  const here = column?.counts.find(([from]) => from === row.from_ms)?.[1] || 0;
  const range = row.until_ms === null ? `${seconds(row.from_ms)} and longer` : `${seconds(row.from_ms)} to ${seconds(row.until_ms)}`;
  const facts = [[range, count(here)], ["requests", count(column?.requests || 0)]];
  if (column) facts.push(["slow", count(column.slow)], ["p50", seconds(column.p50_ms)], ["p99", seconds(column.p99_ms)], ["longest", seconds(column.max_ms)]);
  const list = make("dl");
  for (const [name, value] of facts) list.append(make("dt", {}, name), make("dd", {}, value));
  const pointer = $("pointer");
  pointer.replaceChildren(make("strong", {}, `${clock(start.from)} to ${clock(start.until)}`), list);
  if (column) pointer.append(histogram(column, row));
  pointer.hidden = false;
  const size = pointer.getBoundingClientRect();
  pointer.style.left = `${event.clientX + 18 + size.width > innerWidth ? event.clientX - size.width - 14 : event.clientX + 16}px`;
  pointer.style.top = `${Math.max(4, Math.min(event.clientY + 12, innerHeight - size.height - 8))}px`;
  const svg = $("picture").querySelector("svg");
  svg.querySelector(".cross")?.remove();
  const middle = (xOf(start.from) + xOf(start.until)) / 2;
  svg.append(draw("path", { class: "cross", d: `M${middle} ${overview.frame.top}V${overview.frame.bottom}` }));
}

// A column's own histogram, upwards as in the picture.
function histogram(column, here) {
  const rows = overview.rows;
  const most = Math.max(...column.counts.map(([, number]) => number), 1);
  const svg = draw("svg", { width: 120, height: rows.length * 2 });
  for (const [from, number] of column.counts) {
    const at = rows.findIndex((row) => row.from_ms === from);
    if (at < 0) continue;
    const attributes = { x: 0, y: (rows.length - 1 - at) * 2, width: Math.max(2, 120 * Math.sqrt(number / most)), height: 2 };
    svg.append(draw("rect", from === here.from_ms ? { ...attributes, class: "here" } : attributes));
  }
  return svg;
}

function hidePointer() {
  $("pointer").hidden = true;
  $("picture").querySelector(".cross")?.remove();
}

// ---- what is behind the box

async function showBox() {
  const box = state.box;
  drawSelection();
  $("box").hidden = !box;
  if (!box || !overview) return;
  showBoxCount(box);
  $("box-words").textContent = shapeWords(box);
  for (const tab of ["lines", "split", "curves"]) {
    $(`tab-${tab}`).setAttribute("aria-selected", String(state.tab === tab));
    $(`pane-${tab}`).hidden = state.tab !== tab;
  }
  if (state.tab === "split") await showSplit();
  else if (state.tab === "curves") await showCurves();
  else await showLines();
}

// How many requests are in the box. One that was drawn at another width may cut columns: then the server counts.
async function showBoxCount(box) {
  const { inside, all } = inBox(box);
  const isWhole = (time) => time <= overview.from || time >= overview.until || time % overview.step_ms === 0;
  const name = (number) => ($("box-title").textContent = boxWords(box) + (number === null ? "" : `: ${count(number)} of ${count(all)} requests`));
  if (isWhole(box.from) && isWhole(box.until)) return name(inside);
  name(null);
  if (state.only.length || state.not.length) return;
  const answer = await ask("count", "/page/percentiles", question());
  if (answer && state.box && boxText(state.box) === boxText(box)) name(answer.requests);
}

async function showLines(more = false) {
  const query = question();
  query.set("offset", more ? lines.shown : 0);
  if (more && (lines.ended || lines.asking)) return;
  if (!more) lines = { count: 0, shown: 0, ended: false };
  lines.asking = true;
  const answer = await ask("lines", "/page/lines", query);
  lines.asking = false;
  if (!answer) return;
  const list = $("lines");
  if (!more) list.replaceChildren();
  for (const line of answer.lines) list.append(lineRow(line));
  lines.shown = answer.offset + answer.lines.length;
  lines.ended = !answer.lines.length || (answer.is_counted && lines.shown >= answer.count);
  const missing = answer.missing.map((text) => visible(text));
  const words = !lines.shown ? "no line here; a box that reaches higher or further may have some"
    : lines.ended ? `all ${count(lines.shown)} lines` : `${count(lines.shown)} lines so far, the longest first; scroll for more`;
  $("lines-more").textContent = [words, ...missing].join("; ");
  command(answer.command, $("lines-command"));
  wantMore();
}

// The next lines, if the end of those that are there is near.
function wantMore() {
  if (!state.box || !lines.shown || lines.ended || lines.asking || $("pane-lines").hidden) return;
  if ($("lines-more").getBoundingClientRect().top < innerHeight + AHEAD) showLines(true);
}

const field = (line, ...names) => {
  for (const name of names) {
    const value = line.fields?.[name];
    if (value !== undefined && value !== null && value !== "-" && value !== "") return flat(value);
  }
  return "";
};

// Lists of attempts as nginx writes them.
function flat(value) {
  if (!Array.isArray(value)) return String(value);
  return value.map((redirect) => redirect.map((attempt) => attempt ?? "-").join(", ")).join(" : ");
}

function lineRow(line) {
  const status = line.status ?? "-";
  const who = field(line, "remote_addr", "http_x_forwarded_for", "realip_remote_addr");
  const what = line.fields ? `${field(line, "method")} ${field(line, "target")}`.trim() || line.line : line.line ?? line.gone;
  const upstream = field(line, "upstream_addr");
  const up = upstream ? `→ ${upstream} ${line.upstream_ms === null ? "" : seconds(line.upstream_ms)}` : line.upstream_ms === null ? "" : `→ ${seconds(line.upstream_ms)}`;
  const button = make("button", { type: "button", class: "line", "aria-expanded": "false" },
    make("span", { class: "when" }, line.time),
    make("span", { class: "took" }, seconds(line.request_time_ms)),
    make("span", { class: status >= 500 ? "bad" : "" }, String(status)),
    make("span", { class: "who" }, visible(who)),
    make("span", { class: "up" }, visible(up)),
    make("span", { class: "what" }, visible(what)));
  const item = make("li", {}, button);
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) item.querySelector(".line-fields").remove();
    else item.append(lineFields(line));
  });
  return item;
}

// Fields that are times or numbers of one request: no other has them.
const OWN = /^(file|line|offset|length|start|end|time_local|time_iso8601|msec|request_id|connection|request)$|_time$/;

function lineFields(line) {
  const list = make("dl");
  const add = (name, value, text) => {
    const shown = visible(text);
    list.append(make("dt", {}, visible(name)), make("dd", {}, OWN.test(name) ? shown : valueButton(conditionOf(name, value), shown)));
  };
  for (const [name, value] of Object.entries(line.fields || {})) {
    if (value === null) continue;
    if (name === "target") {
      const path = String(value).split("?")[0];
      add("path", path, path);
      if (path !== value) list.append(make("dt", {}, "target"), make("dd", {}, visible(value)));
    } else if (Array.isArray(value) && /addr$|status$/.test(name)) {
      add(name, value.flat().filter((one) => one !== null).pop() ?? "", flat(value));
    } else if (name === "route") {
      const shown = visible(line.route_name);
      list.append(make("dt", {}, "route"), make("dd", {}, make("button", { type: "button", title: "only this route", onclick: () => go({ routes: [line.route] }) }, shown)));
    } else add(name, Array.isArray(value) ? flat(value) : value, flat(value));
  }
  const place = `${line.file}, byte ${count(line.offset)}`;
  return make("div", { class: "line-fields" },
    make("pre", {}, line.line === null ? line.gone : visible(line.line, true)),
    make("p", {}, make("span", { class: "quiet" }, visible(place)), " ", line.line === null ? null : copyButton("copy line", () => line.line)),
    list);
}

// Fields of a record by the names that their values go by.
const SAME = { method: "request_method", protocol: "server_protocol" };

// A field's value as a condition of the address: as in --where, with a colon. What would be read as any, none, a bound or a net is escaped.
function conditionOf(name, value) {
  const field = (SAME[name] || name).replaceAll("\\", "\\x5C").replaceAll(":", "\\x3A").replaceAll("=", "\\x3D").replace(/[!^]$/, escaped);
  const text = String(value).replaceAll("\\", "\\x5C");
  const standsForMore = /^([*-]$|>|[0-9a-f.:]+\/[0-9]+$)/i.test(text);
  return `${field}:${standsForMore ? escaped(text[0]) + text.slice(1) : text}`;
}

function escaped(letter) {
  return `\\x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function valueButton(condition, shown) {
  const button = make("button", { type: "button", title: "click: only it; shift-click: all but it" }, shown);
  button.addEventListener("click", (event) => only(condition, event.shiftKey));
  return button;
}

function only(condition, not) {
  const kind = not ? "not" : "only";
  if (!state[kind].includes(condition)) go({ [kind]: state[kind].concat(condition) });
}

async function showSplit() {
  $("split").replaceChildren(make("p", { class: "quiet" }, "reading the lines .."));
  const answer = await ask("split", "/page/split", question());
  if (!answer) return;
  const parts = answer.fields.map((of) => splitField(of, answer));
  const head = make("p", { class: "quiet" }, answer.words);
  const missing = answer.missing.concat(answer.notes).map((text) => make("p", { class: "quiet" }, visible(text)));
  $("split").replaceChildren(...(parts.length ? parts : [make("p", {}, "Nothing sets these requests apart: the rest has the same values as often.")]));
  $("split").prepend(make("div", { class: "split-head" }, head, ...missing));
  command(answer.command, $("split-command"));
}

function splitField(of, answer) {
  const body = make("tbody");
  for (const value of of.values) {
    const bars = draw("svg", { viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" });
    bars.append(draw("rect", { class: "box", x: 0, y: 1, width: Math.max(100 * value.box_share, 0.4), height: 7 }));
    bars.append(draw("rect", { class: "rest", x: 0, y: 9, width: 100 * value.rest_share, height: 5 }));
    const shown = visible(value.value) || "(empty)";
    const row = make("tr", {},
      make("th", { scope: "row", class: "split-value" }, valueButton(value.condition, shown)),
      make("td", { class: "bars" }, bars),
      make("td", {}, `${count(value.box)} · ${percent(value.box_share)}`),
      make("td", {}, `${count(value.rest)} · ${percent(value.rest_share)}`),
      make("td", {}, millis(value.excess_ms)));
    row.addEventListener("pointerenter", () => light(value.cells));
    row.addEventListener("pointerleave", () => light(null));
    row.addEventListener("focusin", () => light(value.cells));
    row.addEventListener("focusout", () => light(null));
    body.append(row);
    if (value.same.length) {
      body.append(make("tr", {}, make("td", { class: "same", colspan: 5 }, `the same requests: ${value.same.map((text) => visible(text)).join(", ")}`)));
    }
  }
  const heads = [["value"], [""], ["box", "of-box"], ["rest", "of-rest"], ["beyond the usual"]];
  const head = heads.map(([text, name]) => make("th", { scope: "col", class: name }, text));
  const left = of.more ? make("p", { class: "quiet" }, `${count(of.more)} more values`) : null;
  return make("section", { class: "split-field" }, make("h3", {}, visible(of.field)), make("table", {}, make("thead", {}, make("tr", {}, ...head)), body), left);
}

// Where in the picture the requests of a value are.
function light(cells) {
  const svg = $("picture").querySelector("svg");
  if (!svg || !overview) return;
  svg.querySelectorAll(".lit").forEach((old) => old.remove());
  svg.classList.toggle("dimmed", Boolean(cells?.length));
  if (!cells?.length) return;
  const paths = new Set();
  for (const [end, took] of cells) {
    const column = columnAt(xOf(end));
    const row = overview.rows.find((held) => took >= held.from_ms && (held.until_ms === null || took < held.until_ms));
    if (!row || end < overview.from || end >= overview.until) continue;
    const [left, right] = [xOf(column.from), xOf(column.until)];
    paths.add(`M${left.toFixed(1)} ${row.top.toFixed(1)}H${right.toFixed(1)}V${row.bottom.toFixed(1)}H${left.toFixed(1)}z`);
  }
  svg.append(draw("path", { class: "lit", d: [...paths].join("") }));
}

async function showCurves() {
  const query = question();
  const width = Math.max(Math.min($("curves").clientWidth, 960 * scale()), 260);
  query.set("width", Math.round(width / scale()));
  query.set("height", Math.round(Math.max(240, width * 0.42) / scale()));
  const answer = await ask("curves", "/page/percentiles", query);
  if (!answer) return;
  $("curves").replaceChildren(picture(answer.svg), ...answer.notes.map((text) => make("p", { class: "quiet" }, visible(text))));
  table(answer.table, $("curves-table").querySelector("div"));
  command(answer.command, $("curves-command"));
}

// ---- moving

function shift(by) {
  if (!overview) return;
  const length = (overview.until - overview.from) * by;
  setWindow(overview.from + length, overview.until + length);
}

function zoom(by) {
  if (!overview) return;
  const [middle, half] = [(overview.from + overview.until) / 2, (overview.until - overview.from) * by / 2];
  setWindow(middle - half, middle + half);
}

function setWindow(from, until) {
  const slot = overview.interval_ms;
  const start = Math.floor(from / slot) * slot;
  const end = Math.max(Math.ceil(until / slot) * slot, start + 6 * slot);
  go({ window: { from: iso(start), until: iso(end) } });
}

function follow() {
  if (overview?.follows) return setWindow(overview.from, overview.until);
  const minutes = overview ? Math.min(Math.max(Math.round((overview.until - overview.from) / 6e4), 5), 1440) : 30;
  go({ window: { since: `-${minutes}min` }, box: null });
}

function zoomToBox() {
  if (!state.box) return;
  const { from, until } = state.box;
  const margin = Math.max((until - from) / 4, overview.interval_ms);
  setWindow(from - margin, until + margin);
}

// The lines of the box; without one, of all slow requests that are shown.
function linesOfView() {
  if (!overview || overview.state !== "shown") return;
  if (state.box) {
    if (state.tab !== "lines") go({ tab: "lines" }, "box");
    $("box").scrollIntoView({ block: "start" });
    $("box-title").focus({ preventScroll: true });
    return;
  }
  const slow = overview.threshold_ms && overview.columns.some((column) => column.slow);
  const row = slow ? overview.rows.find((held) => held.until_ms === null || held.until_ms > overview.threshold_ms) : null;
  go({ box: { from: overview.from, until: overview.until, least: row ? row.from_ms : 0, most: null }, tab: "lines" }, "box");
}

// A box by the keyboard: a column in the middle, all of its height.
function boxByKey(change) {
  if (!overview || overview.state !== "shown") return;
  const step = overview.step_ms;
  let box = state.box && { ...state.box };
  if (!box) {
    const middle = columnAt((overview.frame.left + overview.frame.right) / 2);
    box = { from: middle.from, until: middle.until, least: 0, most: null };
  } else change?.(box, step);
  if (box.from < overview.from || box.until > overview.until || box.until <= box.from) return;
  state.box = box;
  history.replaceState(null, "", address());
  drawSelection();
  clearTimeout(boxByKey.wait);
  boxByKey.wait = setTimeout(showBox, 250);
}

function leastRow(box, by) {
  const rows = overview.rows;
  const at = box.least ? rows.findIndex((row) => row.from_ms >= box.least) : 0;
  const next = Math.max(0, Math.min(rows.length - 1, (at < 0 ? 0 : at) + by));
  box.least = next === 0 ? 0 : rows[next].from_ms;
  if (box.most !== null && box.most <= box.least) box.most = null;
}

function onKey(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if ($("keys").open) return;
    if (typing && event.target.id === "filter" && state.filter) return filterBy("");
    if (typing) return event.target.blur();
    firstTap = null;
    if (state.box) return go({ box: null }, "box");
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const onControl = /^(BUTTON|A|SUMMARY)$/.test(event.target.tagName);
  const actions = event.shiftKey && state.box ? {
    ArrowLeft: () => boxByKey((box, step) => { box.from -= step; box.until -= step; }),
    ArrowRight: () => boxByKey((box, step) => { box.from += step; box.until += step; }),
    ArrowUp: () => boxByKey((box) => leastRow(box, 1)),
    ArrowDown: () => boxByKey((box) => leastRow(box, -1)),
  } : {
    ArrowLeft: () => shift(-0.5),
    ArrowRight: () => shift(0.5),
  };
  Object.assign(actions, {
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "_": () => zoom(2),
    "/": () => { openRoutes(true); $("filter").focus(); },
    j: () => nextRoute(1), k: () => nextRoute(-1),
    b: () => boxByKey(),
    "[": () => boxByKey((box, step) => { if (box.until - box.from > step) box.until -= step; }),
    "]": () => boxByKey((box, step) => { box.until += step; }),
    s: () => state.box && go({ tab: "split" }, "box"),
    p: () => state.box && go({ tab: "curves" }, "box"),
    z: zoomToBox, l: follow,
    "?": () => $("keys").showModal(),
  });
  if (!onControl) actions.Enter = linesOfView;
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

function filterBy(text) {
  state.filter = text;
  $("filter").value = text;
  history.replaceState(null, "", address());
  clearTimeout(filterBy.wait);
  filterBy.wait = setTimeout(() => showRoutes(), 120);
}

function openRoutes(open) {
  $("routes-inner").hidden = !open;
  $("routes-button").setAttribute("aria-expanded", String(open));
}

const isNarrow = () => matchMedia("(max-width: 1000px)").matches;

// ---- live

let refreshing = false;

async function refresh() {
  if (document.hidden || refreshing || drag || firstTap || !(overview === null || overview.follows)) return;
  refreshing = true;
  const empty = !overview || overview.state !== "shown";
  await Promise.all([showOverview(!empty), routes.rows.length > 100 ? null : showRoutes()]);
  refreshing = false;
}

// ---- start

function start() {
  readAddress();
  $("window-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, until] = [$("from").value.trim(), $("until").value.trim()];
    document.activeElement?.blur();
    go({ window: until === "now" && /^(now)?-\d/.test(from) ? { since: from } : { from, until }, box: null });
  });
  for (const [id, act] of [["earlier", () => shift(-0.5)], ["later", () => shift(0.5)], ["wider", () => zoom(2)], ["narrower", () => zoom(0.5)],
    ["live", follow], ["help", () => $("keys").showModal()], ["keys-close", () => $("keys").close()], ["box-zoom", zoomToBox],
    ["box-off", () => go({ box: null }, "box")], ["tab-lines", () => go({ tab: "lines" }, "box")], ["tab-split", () => go({ tab: "split" }, "box")],
    ["tab-curves", () => go({ tab: "curves" }, "box")]]) $(id).addEventListener("click", act);
  $("routes-button").addEventListener("click", () => isNarrow() && openRoutes($("routes-inner").hidden));
  $("filter").addEventListener("input", () => filterBy($("filter").value));
  $("brand").addEventListener("click", (event) => {
    event.preventDefault();
    go({ window: {}, routes: [], only: [], not: [], box: null, tab: "lines", filter: "", sort: "change" });
  });
  const area = $("picture");
  area.addEventListener("pointerdown", startDrag);
  area.addEventListener("pointermove", moveDrag);
  area.addEventListener("pointerup", endDrag);
  area.addEventListener("pointercancel", () => { drag = null; drawSelection(); });
  area.addEventListener("pointerleave", hidePointer);
  area.addEventListener("click", tap);
  document.addEventListener("keydown", onKey);
  addEventListener("popstate", () => { readAddress(); show(); });
  addEventListener("scroll", wantMore, { passive: true });
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && routes.rows.length < routes.routes && showRoutes(true)).observe($("routes-more"));
  let width = innerWidth;
  let wait;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(wait);
    wait = setTimeout(() => showOverview().then(showBox), 200);
  });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  if (isNarrow()) openRoutes(false);
  show();
  setInterval(refresh, 5000);
}

start();
