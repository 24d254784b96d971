// A storefront's endpoint and its events with their deliveries.

import { desk, facts, field, fromField, h, input, select, toast, when } from "./kit.js";
import { about, ask, load, storefrontOf } from "./stack.js";
import { deliveries } from "./events.js";
import { address, visit } from "./router.js";

const FILTERS = ["type", "status", "from", "to"];

export async function webhooks(root, { query, signal }) {
  const known = await about();
  if (signal.aborted) return;
  const storefront = storefrontOf(query, known) || (known.storefronts.length === 1 ? known.storefronts[0].storefront_id : "");
  const [endpoints, list] = [h("div", { class: "list" }), h("div", { class: "list" })];
  root.append(h("div", { class: "head" }, h("h1", {}, "Webhooks"), h("p", {}, "Where storefronts’ events go, and whether they arrive.")), endpoints);
  const shown = load(endpoints, signal, () => desk("GET", "/endpoints"), (rows) => rows.length === 0 ? h("p", { class: "empty card" }, "The stack has no storefront yet.") : endpointTable(rows, storefront));
  if (storefront) events(root, list, known, storefront, query, signal);
  await shown;
}

function state(endpoint) {
  if (!endpoint) return h("span", { class: "chip" }, "no endpoint");
  if (endpoint.is_paused) return h("span", { class: "chip bad" }, `paused: ${{ operator: "by hand", gone: "it answered 410", dead: "it took nothing for days" }[endpoint.pause_reason] || endpoint.pause_reason}`);
  return endpoint.is_down ? h("span", { class: "chip bad" }, "down") : endpoint.failures ? h("span", { class: "chip wait" }, "failing") : h("span", { class: "chip good" }, "up");
}

const endpointTable = (rows, storefront) => h("table", { class: "cards" }, h("caption", { class: "away" }, "Endpoints"),
  h("thead", {}, h("tr", {}, ["Storefront", "Address", "State", "Since"].map((name) => h("th", { scope: "col" }, name)))),
  h("tbody", {}, rows.map((row) => h("tr", { "aria-current": row.storefront_id === storefront && "true" },
    h("th", { scope: "row", "data-name": "Storefront" }, h("a", { href: address("webhooks", [], { storefront: row.storefront_id }) }, row.name)),
    h("td", { class: "break", "data-name": "Address" }, row.endpoint ? row.endpoint.url : "–"),
    h("td", { "data-name": "State" }, state(row.endpoint)),
    h("td", { "data-name": "Since" }, when(row.endpoint?.paused_at || row.endpoint?.failing_since))))));

function events(root, list, known, storefront, query, signal) {
  const type = select("type", [["", "any type"], ...known.event_types.map((each) => [each, each])], query.get("type") || "");
  const status = select("status", [["", "any"], ...known.delivery_statuses.map((each) => [each, each.replace("_", " ")])], query.get("status") || "");
  const [from, to] = ["from", "to"].map((name) => input(name, { type: "datetime-local", value: query.get(name) || "" }));
  const filters = h("form", { class: "filters", role: "search", "aria-label": "Filter the events" }, field("Type", type), field("Delivery", status), field("From, WIB", from), field("Until, WIB", to),
    h("a", { class: "button quiet", href: address("webhooks", [], { storefront }) }, "Clear"));
  const values = () => Object.fromEntries(FILTERS.map((name) => [name, filters.elements.namedItem(name).value]));
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("change", () => visit(address("webhooks", [], { storefront, ...values() })));
  const asked = { storefront, type: type.value, status: status.value, from: fromField(from.value), to: fromField(to.value) };
  const request = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  const cursors = query.getAll("cursor");
  if (cursors.length) request.set("cursor", cursors.at(-1));

  const look = () => load(list, signal, () => desk("GET", "/events?" + request), ({ events: items, next_cursor: next }) => [
    items.length === 0 ? h("p", { class: "empty card" }, next ? "None among the newest. Look at older ones." : "No events match.") : h("ul", { class: "steps card" }, items.map(row)),
    h("nav", { class: "row spread", "aria-label": "Pages" }, cursors.length ? h("a", { class: "button", href: address("webhooks", [], { storefront, ...values() }) }, "← Newest") : h("span"),
      next ? h("a", { class: "button", href: address("webhooks", [], { storefront, ...values(), cursor: next }) }, "Older →") : h("span")),
  ]);
  const again = (title, intro, fields) => ask({
    title, intro, needsReason: known.needs_reason, verb: "Send again", send: (given) => desk("POST", "/events/redeliver", { ...fields, ...given }),
    done: ({ count, complete }) => { toast(`${count} ${count === 1 ? "event is" : "events are"} being sent again.${complete === false ? " There are more: repeat it." : ""}`); look(); },
  });
  const row = (event) => h("li", { "data-event": event.event_id },
    h("p", { class: "row spread" }, h("b", {}, event.type), h("span", { class: "row" }, deliveries({ delivery: event }), known.write && h("button", {
      type: "button", class: "small quiet", id: "again-" + event.event_id, "aria-label": `Send again: ${event.type} of ${event.invoice_number || "the books"}`,
      onclick: () => again("Send the event again", h("p", {}, event.type, " · ", event.invoice_number || "", " · ", when(event.created_at)), { storefront, event_id: event.event_id }),
    }, "Send again …"))),
    h("p", { class: "hint" }, when(event.created_at), event.invoice_number && [" · ", h("a", { href: address("search", [], { text: event.invoice_number, storefront }) }, event.invoice_number)], " · ", h("code", {}, event.event_id), event.due_at && [" · next try ", when(event.due_at)]),
    event.attempts.length > 0 && h("details", { class: "raw", id: "tries-" + event.event_id }, h("summary", {}, `${event.attempts.length} ${event.attempts.length === 1 ? "attempt" : "attempts"}`), event.attempts.map((each) => h("p", { class: "hint" }, when(each.at), ` · ${each.status_code ?? each.error} · ${each.duration_ms} ms`))));
  const all = known.write && h("button", { type: "button", class: "quiet", id: "all-again", disabled: !from.value, title: from.value ? null : "Choose from when first.",
    onclick: () => again("Send all of these again", [h("p", {}, "All events that the filter finds, also those on older pages:"), facts([["From", from.value.replace("T", " ")], ["Until", to.value.replace("T", " ") || "now"], ["Type", type.value || "any"], ["Delivery", status.value || "any, also what was delivered"]])], asked) }, "Send all of these again …");
  root.append(h("div", { class: "row spread end over" }, h("h2", {}, `Events of ${storefront}`), all && h("span", { class: "row" }, !from.value && h("small", { class: "hint" }, "Choose from when, to send many:"), all)), filters, list);
  look();
}
