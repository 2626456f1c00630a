// Choosing and finding tasks in the drawing, by keys and pointers.

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
