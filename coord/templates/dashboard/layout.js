// Runs in a worker, behind dagre's own text. Ranks are given, not found: generation g is rank 2g, since dagre keeps the
// odd ranks for labels of edges and finds no points for an edge without one.
"use strict";

self.onmessage = ({ data }) => {
  const graph = new dagre.graphlib.Graph();
  const ranker = (g) => {
    for (const id of g.nodes()) g.node(id).rank = data.rank[id] === undefined ? -1 : 2 * data.rank[id];
  };
  graph.setGraph({ rankdir: "LR", ranksep: data.gap, nodesep: 14, edgesep: 8, ranker });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const n of data.nodes) graph.setNode(String(n), { width: data.width, height: data.height });
  for (const [a, b] of data.edges) graph.setEdge(String(a), String(b));
  dagre.layout(graph);
  const places = data.nodes.map((n) => ({ n, x: graph.node(String(n)).x, y: graph.node(String(n)).y }));
  // Of an edge's points those count where it passes a column: every second one between its ends.
  const passing = data.edges.map(([a, b]) =>
    graph.edge(String(a), String(b)).points.slice(1, -1).filter((_, at) => at % 2).map(({ x, y }) => ({ x, y })));
  squeeze([...places.map((at) => ({ at, half: data.height / 2 + 7 })), ...passing.flat().map((at) => ({ at, half: 5 }))]);
  self.postMessage({
    by: "dagre", places: places.map(({ n, x, y }) => [n, x, y]), passing: passing.map((points) => points.map(({ x, y }) => [x, y])),
  });
};

// dagre's columns are several times as high as what stands in them. Heights are scaled down to little more than the fullest
// column needs; each column then keeps dagre's order and takes the nearest heights (least squares) at which nothing overlaps.
function squeeze(items) {
  const columns = new Map();
  for (const item of items) {
    const x = Math.round(item.at.x);
    if (!columns.has(x)) columns.set(x, []);
    columns.get(x).push(item);
  }
  const room = (column) => column.reduce((sum, { half }) => sum + 2 * half, 0);
  const height = items.reduce((most, { at }) => Math.max(most, at.y), 1);
  const fullest = [...columns.values()].reduce((most, column) => Math.max(most, room(column)), 0);
  const scale = Math.min(1, (1.15 * fullest) / height);
  for (const column of columns.values()) place(column.sort((a, b) => a.at.y - b.at.y), scale);
  const top = items.reduce((least, { at, half }) => Math.min(least, at.y - half), Infinity);
  for (const { at } of items) at.y -= top;
}

// Pool adjacent violators: with the room before each taken off, heights only have to ascend.
function place(column, scale) {
  const pools = [];
  let offset = 0;
  for (const item of column) {
    offset += item.half;
    item.offset = offset;
    offset += item.half;
    let pool = { sum: item.at.y * scale - item.offset, of: [item] };
    while (pools.length && pools.at(-1).sum / pools.at(-1).of.length > pool.sum / pool.of.length) {
      const before = pools.pop();
      pool = { sum: before.sum + pool.sum, of: before.of.concat(pool.of) };
    }
    pools.push(pool);
  }
  for (const { sum, of } of pools) for (const item of of) item.at.y = sum / of.length + item.offset;
}
