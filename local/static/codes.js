// The storefront's codes, newest first. Filters and cursors are part of the address.

import { STATUSES, api, channelName, field, fromField, grouped, h, input, refresh, rupiah, select, sorry, statusOf, watch, when } from "./kit.js";

export async function codes(root, { query, signal }) {
  const status = select("status", [["", "any status"], ...STATUSES.map((each) => [each, each])], query.get("status") || "");
  const from = input("from", { type: "datetime-local", value: query.get("from") || "" });
  const to = input("to", { type: "datetime-local", value: query.get("to") || "" });
  const limit = select("limit", [["10", "10"], ["20", "20"], ["50", "50"], ["100", "100"]], query.get("limit") || "20");
  const list = h("div", { class: "list", "aria-live": "off" });
  // A cursor leads to the next page only, so the address keeps those of earlier pages.
  const trail = query.getAll("cursor");

  const address = (cursors) => {
    const made = new URLSearchParams();
    for (const control of [status, from, to]) if (control.value) made.set(control.name, control.value);
    if (limit.value !== "20") made.set("limit", limit.value);
    for (const cursor of cursors) made.append("cursor", cursor);
    return "#/codes" + (made.size ? "?" + made : "");
  };
  const filters = h("form", { class: "filters", role: "search", "aria-label": "Filter the codes" },
    field("Status", status), field("Created from, WIB", from), field("Created until, WIB", to), field("Codes per page", limit),
    h("a", { class: "button quiet", href: "#/codes" }, "Clear"));
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("change", () => { location.hash = address([]); });

  const request = new URLSearchParams({ limit: limit.value });
  if (status.value) request.set("status", status.value);
  if (from.value) request.set("created_from", fromField(from.value));
  if (to.value) request.set("created_to", fromField(to.value));
  if (trail.length) request.set("cursor", trail.at(-1));

  const pages = ({ next_cursor: next }) => h("nav", { class: "row spread", "aria-label": "Pages" },
    trail.length ? h("a", { class: "button", id: "newer", href: address(trail.slice(0, -1)) }, "← Newer") : h("span"),
    next ? h("a", { class: "button", id: "older", href: address([...trail, next]) }, "Older →") : h("span"));

  const table = (items) => items.length === 0
    ? h("p", { class: "empty" }, "No codes match. ", h("a", { href: "#/shop" }, "Create one in the shop"), ".")
    : h("table", { class: "codes" }, h("caption", { class: "away" }, "Payment codes, newest first"),
      h("thead", {}, h("tr", {}, ["Invoice", "Status", "Amount", "Payment code", "Channel", "Created", "Until"].map((name) => h("th", { scope: "col", class: name === "Amount" && "number" }, name)))),
      h("tbody", {}, items.map(row)));

  const row = (code) => h("tr", { "data-invoice": code.invoice_number },
    h("th", { scope: "row" }, h("a", { id: "code-" + code.invoice_number, href: "#/codes/" + encodeURIComponent(code.invoice_number) }, code.invoice_number)),
    h("td", { class: "status" }, statusOf(code)),
    h("td", { class: "number" }, rupiah(code.amount)),
    h("td", { class: "mono" }, code.payment_code ? grouped(code.payment_code) : "–"),
    h("td", { class: "channel" }, channelName(code.channel), " ", h("code", {}, code.feature), code.reusable && h("small", { title: "Reusable" }, ` ↻ ${code.payments_count}`)),
    h("td", { "data-name": "Created" }, when(code.created_at)),
    h("td", { "data-name": "Until" }, when(code.expires_at)));

  root.append(h("div", { class: "head" }, h("h1", {}, "Codes"), h("p", {}, h("code", {}, "GET /payment-codes"))), filters, list);
  await watch(signal, 2, async () => {
    try {
      const page = await api("GET", "/payment-codes?" + request);
      if (!signal.aborted) refresh(list, page, () => [table(page.items), pages(page)]);
    } catch (error) { refresh(list, String(error), () => sorry(error)); }
  });
}
