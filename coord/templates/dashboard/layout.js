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
  const places = data.nodes.map((n) => [n, graph.node(String(n)).x, graph.node(String(n)).y]);
  // Of an edge's points those count where it passes a column: every second one between its ends.
  const passing = data.edges.map(([a, b]) =>
    graph.edge(String(a), String(b)).points.slice(1, -1).filter((_, at) => at % 2).map((p) => [p.x, p.y]));
  self.postMessage({ by: "dagre", places, passing });
};
