// What the other parts share. Foreign text is only ever put into text nodes and attributes.
"use strict";

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} name @param {Record<string, any>} attributes @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** @param {string} name @param {Record<string, any>} attributes @param {...(Node|string)} children */
function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** @param {number} count @param {string} word */
const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** @param {number} seconds */
function duration(seconds) {
  for (const [word, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (seconds >= length) return counted(Math.floor(seconds / length), word);
  }
  return "less than a minute";
}

/** A setting that outlives the page where the browser lets it. */
const remembered = {
  get(key) { try { return localStorage.getItem("coord." + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem("coord." + key, value); } catch { /* kept for this page only */ } },
};

const LOOKS = new Set(["completed", "in-progress", "pending", "blocked", "failed", "missing"]);
const lookOf = (status) => (LOOKS.has(status) ? status : "unknown");

function signOf(status) {
  const look = lookOf(status);
  return svg("svg", { class: "sign", "data-look": look, viewBox: "-8 -8 16 16", "aria-hidden": "true" },
    svg("use", { href: "#sign-" + look }));
}
