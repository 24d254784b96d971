// Shows the view that the address names.

import { h, sorry } from "./kit.js";

const view = document.getElementById("view");
let leave = new AbortController();

/** The parts of an address such as `#/codes/INV-1?x=y`: view, rest of the path, query. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  return { name, rest, query: new URLSearchParams(query || "") };
}

/** The address of a view: `address("code", ["INV-1"], { x: "y" })`. Empty values are left out. */
export function address(name, rest = [], fields = {}) {
  const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value));
  return "#/" + [name, ...rest].map(encodeURIComponent).join("/") + (query.size ? "?" + query : "");
}

/** Goes to an address; if it is the present one, shows it anew. */
export function visit(to) {
  if (location.hash === to) window.dispatchEvent(new Event("hashchange"));
  else location.hash = to;
}

/** Shows views by their names from now on; `{ name: [ofTheList, ofOneThing] }` or one for both. */
export function route(views, home, title) {
  async function show() {
    if (location.hash === "#view") return;
    const { name = "", rest, query } = place();
    leave.abort();
    leave = new AbortController();
    const { signal } = leave;
    const chosen = name || home;
    for (const link of document.querySelectorAll("header nav a")) {
      if (link.hash !== "#/" + chosen) { link.removeAttribute("aria-current"); continue; }
      link.setAttribute("aria-current", "page");
      // On a phone the bar may be wider than the screen.
      link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - link.parentElement.clientWidth / 2;
    }
    const [list, one] = [views[chosen]].flat();
    const work = rest[0] && one ? one : list;
    const root = h("div", { class: "view" });
    view.replaceChildren(root);
    document.title = `${rest[0] || chosen[0].toUpperCase() + chosen.slice(1)} · ${title}`;
    if (!work) {
      root.append(h("h1", {}, "Page not found"), h("p", {}, h("a", { href: "#/" + home }, `Go to the ${home}`)));
      return;
    }
    try { await work(root, { rest, query, signal }); } catch (error) { root.append(sorry(error)); }
  }
  window.addEventListener("hashchange", () => {
    view.focus({ preventScroll: true }); // the view may move the focus from here
    window.scrollTo(0, 0);
    show();
  });
  return show();
}
