// Drawing what was laid out, and the window onto it. Far away boxes are a few paths, near they are buttons.

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
