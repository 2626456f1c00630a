// The page round the drawing: colours, copying, keys, and new data from the server.

/** How often (milliseconds) a served page asks for news, and how long it waits at most when nobody answers. */
const ASK = 3000, PATIENCE = 15000;

const served = $("data").dataset.served === "1";
let etag = "", wait = ASK, gone = null;

function start() {
  takeGraph(JSON.parse($("data").textContent).data.graph);
  theme();
  dressLists();
  age();
  setInterval(age, 20000);
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", key);
  document.querySelector(".tools").hidden = false;
  startGraph();
  if (served) setTimeout(news, ASK);
}

function theme() {
  const choice = $("theme");
  const apply = () => {
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
  };
  const before = remembered.get("theme");
  if (before === "light" || before === "dark") choice.value = before;
  apply();
  choice.addEventListener("change", () => { remembered.set("theme", choice.value); apply(); });
}

/** Show what only makes sense with a script. */
function dressLists() {
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.setAttribute("aria-label", `copy ${button.dataset.copy}`);
  }
}

function age() {
  for (const time of document.querySelectorAll("[data-age]")) {
    const seconds = (Date.now() - Date.parse(time.getAttribute("datetime"))) / 1000;
    time.textContent = `${duration(seconds)} ago`;
    time.title = time.getAttribute("datetime");
  }
}

function clicked(event) {
  const copy = event.target.closest(".copy");
  if (copy) return void copied(copy);
  const link = event.target.closest("[data-task]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !goTo(link.dataset.task)) return;
  event.preventDefault();
  if (!link.closest("#graph")) $("graph").scrollIntoView({ block: "start" });
  paintNow();
  if (graph.boxes.has(graph.current)) move(graph.current);
}

async function copied(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = el("textarea", { class: "unseen", readonly: true });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}

function key(event) {
  const inField = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !inField && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    $("search").focus();
    $("search").select();
  } else if (event.key === "Escape") {
    if ($("search").value) { $("search").value = ""; search(""); }
    else if (graph.chosen !== null) choose(null);
  }
}

// -- news --------------------------------------------------------------------------------------------------------

/** Ask the server for the page as it is now; it answers 304 while nothing changed. */
async function news() {
  try {
    const answer = await fetch("/", { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
    if (answer.status === 200) {
      const text = await answer.text();
      etag = answer.headers.get("ETag") ?? "";
      takeOver(new DOMParser().parseFromString(text, "text/html"));
    } else if (answer.status !== 304) throw new Error(String(answer.status));
    back();
  } catch {
    lost();
  }
  setTimeout(news, document.hidden ? PATIENCE : wait);
}

function lost() {
  gone ??= new Date();
  wait = Math.min(PATIENCE, wait * 1.5);
  $("live").classList.add("gone");
  say(`No answer from the server since ${gone.toLocaleTimeString()}: this is how it was then. coord dashboard --serve starts it again.`);
}

function back() {
  wait = ASK;
  $("live").classList.remove("gone");
  say(gone ? "The server answers again." : "Live");
  gone = null;
}

/** Speak only when there is something new to say. */
function say(text) {
  if ($("live").textContent !== text) $("live").textContent = text;
}

/** Replace what has changed, by the page that the server made: its lists are escaped there, and no script of it runs. */
function takeOver(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const here = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!here || here.dataset.version === part.dataset.version) continue;
    if (isSelected(here)) etag = ""; // nobody's selected text is taken away: this part is asked for again
    else replace(here, part);
  }
  for (const count of fresh.querySelectorAll("[data-count]")) {
    const here = document.querySelector(`[data-count="${count.dataset.count}"]`);
    if (here && here.textContent !== count.textContent) here.textContent = count.textContent;
  }
  document.title = fresh.title;
  const data = fresh.getElementById("data").textContent;
  if (data === $("data").textContent) return;
  $("data").textContent = data;
  takeGraph(JSON.parse(data).data.graph);
  dressLists();
  age();
  search(graph.query);
  layOut();
}

function isSelected(part) {
  const selection = getSelection();
  return !!selection && !selection.isCollapsed && selection.containsNode(part, true);
}

function replace(here, part) {
  const scrolled = [here, ...here.querySelectorAll(".scroll")].map((box) => [box.scrollTop, box.scrollLeft]);
  const open = [...here.querySelectorAll("details")].map((details) => details.open);
  const focused = here.contains(document.activeElement) ? [...here.querySelectorAll("a, button, summary, [tabindex]")].indexOf(document.activeElement) : -1;
  here.replaceChildren(...[...part.childNodes].map((node) => document.importNode(node, true)));
  here.dataset.version = part.dataset.version;
  here.querySelectorAll("details").forEach((details, at) => { details.open = open[at] ?? false; });
  [here, ...here.querySelectorAll(".scroll")].forEach((box, at) => { [box.scrollTop, box.scrollLeft] = scrolled[at] ?? [0, 0]; });
  if (focused >= 0) here.querySelectorAll("a, button, summary, [tabindex]")[focused]?.focus({ preventScroll: true });
}

start();
