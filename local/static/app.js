// Shows the view that the address names.

import "./clock.js";
import { h, sorry } from "./kit.js";
import { shop } from "./shop.js";
import { till } from "./till.js";
import { codes } from "./codes.js";
import { code } from "./code.js";
import { events } from "./events.js";
import { workshop } from "./workshop.js";

const VIEWS = { shop, till, codes, code, events, workshop };
const view = document.getElementById("view");
let leave = new AbortController();

/** The parts of an address such as `#/codes/INV-1?x=y`: view, rest of the path, query. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  return { name: name || "shop", rest, query: new URLSearchParams(query || "") };
}

async function show() {
  if (location.hash === "#view") return;
  const { name, rest, query } = place();
  leave.abort();
  leave = new AbortController();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === "#/" + name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const chosen = name === "codes" && rest[0] ? VIEWS.code : VIEWS[name];
  const root = h("div", { class: "view" });
  view.replaceChildren(root);
  document.title = `${rest[0] || name[0].toUpperCase() + name.slice(1)} · O2O console`;
  if (!chosen) {
    root.append(h("h1", {}, "Page not found"), h("p", {}, h("a", { href: "#/shop" }, "Go to the shop")));
    return;
  }
  try { await chosen(root, { rest, query, signal: leave.signal }); } catch (error) { root.append(sorry(error)); }
}

window.addEventListener("hashchange", () => {
  view.focus({ preventScroll: true }); // the view may move the focus from here
  window.scrollTo(0, 0);
  show();
});

show();
