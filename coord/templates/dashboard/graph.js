// The drawing: laid out by a worker, drawn where the window is. Far away boxes are a few paths, near they are buttons.

const WIDTH = 200, HEIGHT = 58, GAP = 76;
/** Below this scale boxes have no text; above it at most a few hundred fit into the window. */
const NEAR = 0.42;
/** With more tasks than this, completed ones are folded away at first. */
const MANY = 150;

const graph = {
  tasks: [], columns: [], columnOf: [], needs: [], needed: [], edges: [],
  place: new Map(), routes: [], titles: [], boxes: new Map(),
  view: { x: 0, y: 0, k: 1 }, size: { left: 0, top: 0, width: 0, height: 0 },
  chosen: null, current: null, hits: [], query: "", ticket: 0, laidOut: "", laidBy: "", worker: null, fitted: false, due: false,
};

/** Take over what the page's data says of tasks. */
function takeGraph(facts) {
  const chosen = idOf(graph.chosen), current = idOf(graph.current);
  graph.tasks = facts.tasks;
  graph.columns = facts.columns;
  graph.columnOf = [];
  facts.columns.forEach((column, at) => column.tasks.forEach((n) => { graph.columnOf[n] = at; }));
  graph.needs = facts.tasks.map(() => []);
  graph.needed = facts.tasks.map(() => []);
  for (const [a, b] of [...facts.edges, ...facts.implied]) {
    graph.needs[b].push(a);
    graph.needed[a].push(b);
  }
  graph.edges = facts.edges;
  graph.steps = new Set(facts.steps.map(String));
  graph.critical = facts.critical;
  graph.number = new Map(facts.tasks.map((task, n) => [task.id, n]));
  graph.chosen = graph.number.get(chosen) ?? null;
  graph.current = graph.number.get(current) ?? null;
}

const idOf = (n) => (n === null ? null : graph.tasks[n]?.id ?? null);

// -- layout ------------------------------------------------------------------------------------------------------

function shownTasks() {
  const all = $("fold").checked;
  return graph.tasks.map((_, n) => n).filter((n) => all || graph.tasks[n].status !== "completed");
}

/** Ask the worker for places, unless what is shown has them. */
function layOut() {
  const shown = shownTasks();
  const inside = new Set(shown);
  const edges = graph.edges.filter(([a, b]) => inside.has(a) && inside.has(b));
  const key = JSON.stringify([shown.map(idOf), edges]);
  if (key === graph.laidOut) return redraw();
  const used = [...new Set(shown.map((n) => graph.columnOf[n]))].sort((a, b) => a - b);
  const columnAt = new Map(used.map((column, at) => [column, at]));
  const rank = {};
  for (const n of shown) rank[n] = columnAt.get(graph.columnOf[n]);
  const joined = new Set(edges.flat());
  const forward = edges.filter(([a, b]) => rank[a] < rank[b]);
  const drawn = { key, used, edges, forward, rank, alone: shown.filter((n) => !joined.has(n)), anchor: anchor() };
  const nodes = shown.filter((n) => joined.has(n));
  $("busy").hidden = false;
  $("busy").textContent = shown.length ? "Drawing…" : "No tasks to draw.";
  const ticket = ++graph.ticket;
  ask({ ticket, nodes, edges: forward, rank, width: WIDTH, height: HEIGHT, gap: GAP },
    (answer) => { if (ticket === graph.ticket) placed(drawn, answer); });
}

/** Let a worker lay out; where there is none, columns in their own order serve. */
function ask(request, then) {
  graph.worker?.terminate();
  graph.worker = null;
  try {
    const url = URL.createObjectURL(new Blob([$("layout").textContent], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }) => { URL.revokeObjectURL(url); worker.terminate(); graph.worker = null; then(data); };
    worker.onerror = (event) => { event.preventDefault(); URL.revokeObjectURL(url); then(inColumns(request)); };
    graph.worker = worker;
    worker.postMessage(request);
  } catch {
    then(inColumns(request));
  }
}

function inColumns(request) {
  const filled = new Map();
  const places = request.nodes.map((n) => {
    const row = filled.get(request.rank[n]) ?? 0;
    filled.set(request.rank[n], row + 1);
    return [n, request.rank[n] * (WIDTH + GAP) + WIDTH / 2, row * (HEIGHT + 14) + HEIGHT / 2];
  });
  return { by: "columns", places, passing: request.edges.map(() => []) };
}

function placed(drawn, answer) {
  graph.place = new Map(answer.places.map(([n, x, y]) => [n, { x, y }]));
  const xs = new Map();
  for (const [n, x] of answer.places) xs.set(drawn.rank[n], x);
  let bottom = Math.max(0, ...answer.places.map(([, , y]) => y + HEIGHT / 2));
  graph.titles = [...xs].map(([rank, x]) => ({ x, y: -26, text: graph.columns[drawn.used[rank]].title }));
  if (drawn.alone.length) bottom = standAlone(drawn.alone, bottom, xs.size);
  const passing = new Map(drawn.forward.map((edge, at) => [String(edge), answer.passing[at]]));
  graph.routes = drawn.edges.map(([a, b]) => ({ a, b, d: route(a, b, passing.get(String([a, b]))) }));
  const all = [...graph.place.values()];
  const right = Math.max(WIDTH, ...all.map((p) => p.x + WIDTH / 2));
  graph.size = { left: -20, top: -56, width: right + 40, height: bottom + 80 };
  graph.laidOut = drawn.key;
  graph.laidBy = answer.by;
  $("busy").hidden = all.length > 0;
  for (const box of graph.boxes.values()) box.remove();
  graph.boxes.clear();
  frame();
  if (!graph.fitted || graph.view.k < NEAR || !keepAnchor(drawn.anchor)) first();
  graph.fitted = true;
  search(graph.query);
}

/** Give the window the height that all of the drawing would take, within what the style allows. */
function frame() {
  const width = $("view").clientWidth;
  $("view").style.height = "";
  const most = $("view").clientHeight, k = Math.min(1, width / graph.size.width);
  $("view").style.height = `${Math.min(most, Math.max(220, Math.ceil(graph.size.height * k)))}px`;
}

/** Put tasks that need nothing and that nothing needs into rows below the rest. Returns where they end. */
function standAlone(alone, bottom, columns) {
  const across = Math.max(5, Math.min(columns, 12));
  const top = bottom ? bottom + 78 : 0;
  graph.titles.push({ x: 0, y: top - 26, anchor: "start", text: "need nothing, and nothing needs them" });
  alone.forEach((n, at) => graph.place.set(n, {
    x: (at % across) * (WIDTH + 22) + WIDTH / 2, y: top + Math.floor(at / across) * (HEIGHT + 14) + HEIGHT / 2,
  }));
  return top + Math.ceil(alone.length / across) * (HEIGHT + 14);
}

function route(a, b, points) {
  const from = graph.place.get(a), to = graph.place.get(b);
  let x = from.x + WIDTH / 2, y = from.y;
  if (points === undefined) { // inside a column or back: out on the right, in on the right
    const back = to.x + WIDTH / 2, bow = Math.max(x, back) + GAP * 0.6;
    if (a === b) return `M${x} ${y - 8}C${bow} ${y - 30} ${bow} ${y + 30} ${x} ${y + 8}`;
    return `M${x} ${y}C${bow} ${y} ${bow} ${to.y} ${back} ${to.y}`;
  }
  let d = `M${x} ${y}`;
  const curve = (toX, toY) => {
    const middle = (x + toX) / 2;
    d += `C${middle} ${y} ${middle} ${toY} ${toX} ${toY}`;
  };
  for (const [px, py] of points) {
    curve(px - WIDTH / 2, py);
    x = px + WIDTH / 2;
    y = py;
    d += `H${x}`;
  }
  curve(to.x - WIDTH / 2, to.y);
  return d;
}

// -- drawing -----------------------------------------------------------------------------------------------------

/** Draw the edges and what is seen from afar, which depend on data and choice, not on the window. */
function redraw() {
  const paths = { plain: "", critical: "", knot: "", needs: "", needed: "" };
  for (const { a, b, d } of graph.routes) {
    if (graph.steps.has(String([a, b]))) paths.critical += d;
    else if (graph.tasks[a].knot !== null && graph.tasks[a].knot === graph.tasks[b].knot) paths.knot += d;
    else paths.plain += d;
  }
  const routes = new Map(graph.routes.map(({ a, b, d }) => [String([a, b]), d]));
  const chosen = graph.place.has(graph.chosen) ? graph.chosen : null;
  if (chosen !== null) {
    const way = (a, b) => routes.get(String([a, b])) ?? route(a, b, []);
    for (const need of graph.needs[chosen]) if (graph.place.has(need)) paths.needs += way(need, chosen);
    for (const other of graph.needed[chosen]) if (graph.place.has(other)) paths.needed += way(chosen, other);
  }
  $("view").classList.toggle("chosen", chosen !== null);
  $("edges").replaceChildren(
    ...Object.entries(paths).filter(([, d]) => d).map(([name, d]) => svg("path", { class: name, d })),
    ...graph.titles.map(title),
    farAway());
  for (const [n, box] of graph.boxes) dress(box, n);
  show(chosen);
  paint();
}

/** A heading; from afar a generation's number is all that there is room for. */
function title({ x, y, text, anchor = "middle" }) {
  const [, word, rest] = /^(generation )?(.*)$/.exec(text);
  return svg("text", { x, y, "text-anchor": anchor }, ...(word ? [svg("tspan", { class: "word" }, word)] : []), rest);
}

/** The path of a status's sign, moved and made larger. */
function stamp(look, { x, y }, scale = 2.6) {
  const path = $("sign-" + look).firstElementChild.getAttribute("d");
  return path.replace(/([a-z])([^a-z]*)/gi, (_, command, text) => {
    const found = (text.match(/-?[\d.]+/g) ?? []).map(Number);
    const flags = command === "a" ? [2, 3, 4] : [];
    const shift = command === "M" ? [x, y] : [0, 0];
    return command + found.map((number, at) => (flags.includes(at % 7) ? number : number * scale + shift[at % 2])).join(" ");
  });
}

/** All boxes as one path for each status, and their signs as another. */
function farAway() {
  const rects = new Map(), signs = new Map();
  const rect = ({ x, y }) => `M${x - WIDTH / 2} ${y - HEIGHT / 2}h${WIDTH}v${HEIGHT}h${-WIDTH}z`;
  for (const [n, p] of graph.place) {
    const look = lookOf(graph.tasks[n].status);
    rects.set(look, (rects.get(look) ?? "") + rect(p));
    signs.set(look, (signs.get(look) ?? "") + stamp(look, p));
  }
  const hits = graph.hits.filter((n) => graph.place.has(n)).map((n) => rect(graph.place.get(n))).join("");
  return svg("g", { id: "far" },
    ...[...rects].map(([look, d]) => svg("path", { class: "far", "data-look": look, d })),
    ...[...signs].map(([look, d]) => svg("path", { class: "far stamp", "data-look": look, d })),
    ...(hits ? [svg("path", { class: "far hit", d: hits })] : []));
}

function paint() {
  if (graph.due) return;
  graph.due = true;
  requestAnimationFrame(() => { graph.due = false; paintNow(); });
}

function paintNow() {
  const { x, y, k } = graph.view, view = $("view");
  $("scene").style.transform = `translate(${x}px, ${y}px) scale(${k})`;
  $("scene").style.setProperty("--px", `${1 / k}px`); // what is one pixel on the screen
  $("scene").classList.toggle("afar", k < NEAR);
  $("far")?.setAttribute("visibility", k < NEAR ? "visible" : "hidden");
  const wanted = new Set();
  if (k >= NEAR) {
    const left = (-x - WIDTH) / k, right = (view.clientWidth - x + WIDTH) / k;
    const top = (-y - HEIGHT) / k, bottom = (view.clientHeight - y + HEIGHT) / k;
    for (const [n, p] of graph.place) if (p.x > left && p.x < right && p.y > top && p.y < bottom) wanted.add(n);
  }
  if (graph.current === null || !graph.place.has(graph.current)) graph.current = firstTask();
  for (const n of [graph.current, graph.chosen]) if (n !== null && graph.place.has(n)) wanted.add(n);
  for (const [n, box] of graph.boxes) if (!wanted.has(n)) { box.remove(); graph.boxes.delete(n); }
  for (const n of wanted) if (!graph.boxes.has(n)) graph.boxes.set(n, boxOf(n));
}

function boxOf(n) {
  const { x, y } = graph.place.get(n);
  const box = el("button", { type: "button", class: "box", "data-n": String(n) });
  box.style.left = `${x - WIDTH / 2}px`;
  box.style.top = `${y - HEIGHT / 2}px`;
  dress(box, n);
  $("boxes").append(box);
  return box;
}

function dress(box, n) {
  const task = graph.tasks[n];
  const under = task.word === "ready" ? "ready" : task.status;
  const words = [task.word === under ? "" : task.word, graph.columns[graph.columnOf[n]].title,
    `needs ${graph.needs[n].length}, needed by ${graph.needed[n].length}`, task.critical ? "on the critical path" : ""];
  box.dataset.look = lookOf(task.status);
  box.setAttribute("aria-pressed", String(n === graph.chosen));
  box.setAttribute("title", `${task.id}: ${task.name}`);
  box.tabIndex = n === graph.current ? 0 : -1;
  box.classList.toggle("critical", task.critical);
  box.classList.toggle("chosen", n === graph.chosen);
  box.classList.toggle("hit", graph.hits.includes(n));
  box.replaceChildren(signOf(task.status), el("span", {}, task.id),
    el("span", { class: "under" }, task.name || "\u00a0"), el("span", { class: "under state" }, under),
    el("span", { class: "unseen" }, words.filter(Boolean).join("; ")));
}

// -- the window --------------------------------------------------------------------------------------------------

function firstTask() {
  const open = (n) => graph.place.has(n) && graph.tasks[n].status !== "completed";
  return graph.critical.find(open) ?? [...graph.place.keys()].find(open) ?? graph.place.keys().next().value ?? null;
}

function fit() {
  const view = $("view"), size = graph.size;
  const k = Math.min(1, view.clientWidth / size.width, (view.clientHeight - 12) / size.height); // room for headings from afar
  graph.view = { k, x: (view.clientWidth - size.width * k) / 2 - size.left * k, y: (view.clientHeight + 12 - size.height * k) / 2 - size.top * k };
  paint();
}

/** What is seen first: all of it if that can be read, else the tasks that are open, else where work stands. */
function first() {
  fit();
  if (graph.view.k >= 0.5 || firstTask() === null) return;
  const view = $("view"), open = [...graph.place].filter(([n]) => graph.tasks[n].status !== "completed").map(([, p]) => p);
  const frame = frameOf(open);
  const k = Math.min(0.9, view.clientWidth / frame.width, view.clientHeight / frame.height);
  if (open.length && k >= 0.5) {
    graph.view = { k, x: view.clientWidth / 2 - frame.x * k, y: view.clientHeight / 2 - frame.y * k };
    within();
  } else centre(firstTask(), 0.8);
}

/** The middle and the size of what holds some places. */
function frameOf(places) {
  const xs = places.map((p) => p.x), ys = places.map((p) => p.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left + WIDTH + 60, height: bottom - top + HEIGHT + 100 };
}

/** Leave no empty margin in the window that the drawing could fill. */
function within() {
  const { view, size } = graph, { clientWidth, clientHeight } = $("view");
  const clamp = (at, start, length, room) => (length * view.k <= room ? (room - length * view.k) / 2 - start * view.k
    : Math.min(-start * view.k, Math.max(room - (start + length) * view.k, at)));
  view.x = clamp(view.x, size.left, size.width, clientWidth);
  view.y = clamp(view.y, size.top, size.height, clientHeight);
  paint();
}

function centre(n, k = Math.max(graph.view.k, 0.6)) {
  const p = graph.place.get(n), view = $("view");
  if (!p) return;
  graph.view = { k, x: view.clientWidth / 2 - p.x * k, y: view.clientHeight / 2 - p.y * k };
  within();
  glide();
}

function glide() {
  $("scene").classList.add("glides");
  setTimeout(() => $("scene").classList.remove("glides"), 260);
  paint();
}

/** Move the window just as far as needed for a task to be whole in it. */
function reveal(n) {
  if (graph.view.k < NEAR) return centre(n);
  const p = graph.place.get(n), view = $("view"), { k } = graph.view;
  const nudge = (at, half, size) => Math.max(0, 16 - (at - half)) - Math.max(0, at + half + 16 - size);
  graph.view.x += nudge(p.x * k + graph.view.x, (WIDTH / 2) * k, view.clientWidth);
  graph.view.y += nudge(p.y * k + graph.view.y, (HEIGHT / 2) * k, view.clientHeight);
  paint();
}

function zoom(factor, at) {
  const view = $("view"), old = graph.view.k;
  const k = Math.min(2, Math.max(0.04, old * factor));
  const { x, y } = at ?? { x: view.clientWidth / 2, y: view.clientHeight / 2 };
  graph.view = { k, x: x - ((x - graph.view.x) * k) / old, y: y - ((y - graph.view.y) * k) / old };
  paint();
}

/** The task whose place on the screen a new layout keeps: the chosen one, else the one nearest to the middle. */
function anchor() {
  const view = $("view"), { x, y, k } = graph.view;
  const middle = { x: (view.clientWidth / 2 - x) / k, y: (view.clientHeight / 2 - y) / k };
  const far = (p) => Math.hypot(p.x - middle.x, p.y - middle.y);
  const near = [...graph.place].sort(([, p], [, q]) => far(p) - far(q));
  const chosen = graph.place.has(graph.chosen) ? [[graph.chosen, graph.place.get(graph.chosen)]] : [];
  return [...chosen, ...near.slice(0, 20)].map(([n, p]) => ({ id: idOf(n), x: p.x * k + x, y: p.y * k + y }));
}

function keepAnchor(anchors) {
  for (const { id, x, y } of anchors) {
    const p = graph.place.get(graph.number.get(id));
    if (!p) continue;
    graph.view.x = x - p.x * graph.view.k;
    graph.view.y = y - p.y * graph.view.k;
    return true;
  }
  return false;
}

// -- choosing ----------------------------------------------------------------------------------------------------

function choose(n) {
  graph.chosen = n;
  if (n !== null) graph.current = n;
  if (!graph.place.has(n)) n = null;
  for (const row of document.querySelectorAll("#tasks tr.current")) row.classList.remove("current");
  if (n !== null) $("t" + n)?.classList.add("current");
  redraw();
  if (n !== null && graph.view.k >= NEAR) reveal(n); // what tells of it takes room from the window
}

/** Choose a task by its id and bring it into the window; unfold completed tasks when it is among them. */
function goTo(id) {
  const n = graph.number.get(id);
  if (n === undefined) return false;
  if (!graph.place.has(n) && graph.tasks[n].status === "completed" && !$("fold").checked) {
    $("fold").checked = true;
    graph.chosen = n;
    graph.fitted = true;
    layOut();
  }
  choose(n);
  if (graph.place.has(n)) centre(n, Math.max(graph.view.k, 0.8));
  return true;
}

function show(n) {
  if (n === null) {
    $("detail").hidden = true;
    $("detail").replaceChildren();
    return;
  }
  $("detail").hidden = false;
  const task = graph.tasks[n];
  const list = (title, of) => [el("h3", {}, `${title} ${of.length || "nothing"}`), el("ul", {}, ...of.map((other) =>
    el("li", {}, signOf(graph.tasks[other].status),
      el("button", { type: "button", class: "link", "data-task": graph.tasks[other].id }, graph.tasks[other].id))))];
  $("detail").replaceChildren(
    el("h3", {}, task.id), el("p", {}, task.name), el("p", {}, signOf(task.status), task.status),
    ...(task.word ? [el("p", {}, task.word)] : []),
    el("p", { class: "meta" }, graph.columns[graph.columnOf[n]].title + (task.critical ? ", on the critical path" : "")),
    ...(task.path ? [el("p", { class: "meta" }, el("code", {}, task.path))] : []),
    ...list("Needs", graph.needs[n]), ...list("Needed by", graph.needed[n]));
}

// -- search ------------------------------------------------------------------------------------------------------

function search(text) {
  graph.query = text;
  const wanted = text.trim().toLowerCase();
  const texts = (task) => [task.id, task.name, task.status, task.word, ...task.tags].join(" ").toLowerCase();
  graph.hits = wanted ? graph.tasks.map((_, n) => n).filter((n) => texts(graph.tasks[n]).includes(wanted)) : [];
  const hits = new Set(graph.hits);
  for (const row of document.querySelectorAll("#tasks tr[data-row]")) row.hidden = wanted !== "" && !hits.has(Number(row.dataset.row));
  const folded = graph.hits.filter((n) => !graph.place.has(n)).length;
  $("found").textContent = wanted ? `${graph.hits.length} found${folded && graph.fitted ? `, ${folded} folded away` : ""}` : "";
  $("view").classList.toggle("finds", wanted !== "");
  redraw();
}

function nextHit(step) {
  const hits = graph.hits.filter((n) => graph.place.has(n));
  if (!hits.length) return;
  const at = hits.indexOf(graph.chosen);
  const n = hits[at < 0 ? 0 : (at + step + hits.length) % hits.length];
  choose(n);
  centre(n, Math.max(graph.view.k, 0.8));
}

// -- keys and pointers -------------------------------------------------------------------------------------------

const byHeight = (of, y) => [...of].filter((n) => graph.place.has(n))
  .sort((a, b) => Math.abs(graph.place.get(a).y - y) - Math.abs(graph.place.get(b).y - y));

function neighbour(key) {
  const n = graph.current, p = graph.place.get(n);
  if (!p) return firstTask();
  const inColumn = [...graph.place].filter(([, q]) => Math.abs(q.x - p.x) < 1).sort(([, a], [, b]) => a.y - b.y).map(([m]) => m);
  const at = inColumn.indexOf(n);
  switch (key) {
    case "ArrowRight": return byHeight(graph.needed[n], p.y)[0];
    case "ArrowLeft": return byHeight(graph.needs[n], p.y)[0];
    case "ArrowUp": return inColumn[at - 1];
    case "ArrowDown": return inColumn[at + 1];
    case "Home": return inColumn[0];
    case "End": return inColumn.at(-1);
  }
}

function move(n) {
  const before = graph.boxes.get(graph.current);
  if (before) before.tabIndex = -1;
  graph.current = n;
  reveal(n);
  paintNow();
  const box = graph.boxes.get(n);
  box.tabIndex = 0;
  box.focus({ preventScroll: true });
}

function keyInView(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1.25 : 0.8);
  else if (event.key === "0") fit();
  else if (/^(Arrow|Home|End)/.test(event.key)) {
    const n = neighbour(event.key);
    if (n !== undefined && n !== null) move(n);
  } else return;
  event.preventDefault();
}

function taskAt(event) {
  const frame = $("view").getBoundingClientRect(), { x, y, k } = graph.view;
  const px = (event.clientX - frame.left - x) / k, py = (event.clientY - frame.top - y) / k;
  for (const [n, p] of graph.place) if (Math.abs(p.x - px) <= WIDTH / 2 && Math.abs(p.y - py) <= HEIGHT / 2) return n;
  return null;
}

function startGraph() {
  const view = $("view"), pointers = new Map();
  let moved = 0;
  $("drawing").hidden = false;
  $("fold").checked = graph.tasks.length <= MANY;
  view.addEventListener("keydown", keyInView);
  view.addEventListener("focusin", ({ target }) => {
    const n = target.dataset?.n;
    if (n === undefined || Number(n) === graph.current) return;
    const before = graph.boxes.get(graph.current);
    if (before) before.tabIndex = -1;
    graph.current = Number(n);
    target.tabIndex = 0;
  });
  // The browser scrolls a focused box into sight by itself; the window is moved by the transformation alone.
  view.addEventListener("scroll", () => { view.scrollTop = 0; view.scrollLeft = 0; });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = view.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0035), { x: event.clientX - frame.left, y: event.clientY - frame.top });
  }, { passive: false });
  view.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    moved = 0;
    pointers.set(event.pointerId, event);
  });
  view.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const others = [...pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    if (moved < 4) return;
    if (!view.hasPointerCapture(event.pointerId)) view.setPointerCapture(event.pointerId);
    view.classList.add("drags");
    pointers.set(event.pointerId, event);
    if (others.length) {
      const apart = (a) => Math.hypot(a.clientX - others[0].clientX, a.clientY - others[0].clientY);
      const frame = view.getBoundingClientRect();
      zoom(apart(event) / Math.max(1, apart(before)), { x: others[0].clientX - frame.left, y: others[0].clientY - frame.top });
    } else {
      graph.view.x += event.clientX - before.clientX;
      graph.view.y += event.clientY - before.clientY;
      paint();
    }
  });
  const release = (event) => { pointers.delete(event.pointerId); view.classList.remove("drags"); };
  view.addEventListener("pointerup", release);
  view.addEventListener("pointercancel", release);
  view.addEventListener("click", (event) => {
    if (moved >= 4) return;
    const box = event.target.closest(".box");
    const n = box ? Number(box.dataset.n) : taskAt(event);
    choose(n === graph.chosen ? null : n);
    if (n !== null && graph.view.k < NEAR) centre(n, 0.8);
  });
  $("in").addEventListener("click", () => zoom(1.3));
  $("out").addEventListener("click", () => zoom(1 / 1.3));
  $("fit").addEventListener("click", () => { fit(); glide(); });
  $("critical").addEventListener("click", () => {
    const n = graph.critical.find((m) => graph.place.has(m) && graph.tasks[m].status !== "completed") ?? graph.critical.find((m) => graph.place.has(m));
    if (n !== undefined) { choose(n); centre(n, Math.max(graph.view.k, 0.8)); }
  });
  $("fold").addEventListener("change", layOut);
  $("search").addEventListener("input", () => search($("search").value));
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); nextHit(event.shiftKey ? -1 : 1); }
  });
  new ResizeObserver(paint).observe(view);
  layOut();
}
