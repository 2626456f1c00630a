// What the drawing goes by, and where a worker puts each task.

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
