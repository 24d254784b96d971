// One code: its fields, payments, history and actions.

import { api, busy, channelName, codePath, doku, dokuStates, facts, fully, h, raw, refresh, rupiah, sorry, toast, watch, when } from "./kit.js";
import { slip } from "./shop.js";
import { deliveries } from "./events.js";

const KINDS = { paid: "paid", paid_late: "paid late", paid_again: "paid again", amount_mismatch: "wrong amount", digits_mismatch: "wrong digits" };

export async function code(root, { rest, signal }) {
  const invoice = rest[0];
  const problem = h("div");
  const [top, payments, story, how, there, body] = Array.from({ length: 6 }, () => h("div"));
  root.append(
    h("div", { class: "head" }, h("p", { class: "crumb" }, h("a", { href: "#/codes" }, "All codes")), h("h1", {}, invoice)),
    problem,
    h("div", { class: "split even" }, h("div", {}, top, payments, how), h("div", { class: "beside" }, story, there, body)));

  const act = (verb, done) => (event) => busy(event.currentTarget, problem, async () => {
    await api("POST", `${codePath(invoice)}/${verb}`);
    toast(done);
    await look();
  });

  function actions(view) {
    const ended = ["cancelled", "failed", "paid"].includes(view.status);
    return [
      h("button", { type: "button", id: "refresh", title: "Ask DOKU now", onclick: act("refresh", "DOKU was asked.") }, "Refresh"),
      !ended && view.status !== "expired" && h("button", { type: "button", id: "cancel", class: "danger", onclick: act("cancel", "Cancelled.") }, "Cancel"),
      ["active", "requested"].includes(view.status) && h("a", { class: "button", href: "#/shop?replaces=" + encodeURIComponent(invoice) }, "Replace"),
    ];
  }

  async function look() {
    let view;
    try { view = await api("GET", codePath(invoice)); } catch (error) { refresh(top, String(error), () => sorry(error)); return; }
    if (signal.aborted) return;
    const [howToPay, events, order] = await Promise.all([
      view.status === "active" ? api("GET", codePath(invoice) + "/how-to-pay").catch((error) => error) : null,
      api("GET", "/events?limit=50&invoice_number=" + encodeURIComponent(invoice)).catch((error) => error),
      doku("GET", "/orders/" + encodeURIComponent(invoice)).catch((error) => error),
    ]);
    if (signal.aborted) return;
    refresh(top, view, () => [slip(view, actions(view)), more(view)]);
    refresh(payments, view.payments, () => paid(view));
    refresh(how, howToPay instanceof Error ? String(howToPay) : howToPay, () => instructions(howToPay));
    refresh(story, events instanceof Error ? String(events) : events, () => history(events));
    refresh(there, order instanceof Error ? String(order) : order, () => atDoku(order));
    refresh(body, view, () => raw("raw-code", `GET ${codePath(invoice)}`, view));
  }
  await watch(signal, 2, look);
}

const more = (view) => h("section", { class: "card" }, facts([
  ["Channel", `${channelName(view.channel)} · ${view.feature}`], ["BIN", view.bin], ["Unique part", view.unique_part],
  ["Customer", view.customer.name + (view.customer.email ? ` · ${view.customer.email}` : "")], ["Cashier’s line", view.info],
  ["Receipt", [view.receipt.description, view.receipt.footer].filter(Boolean).join(" · ")],
  ["Created", fully(view.created_at)],
  view.inquired_at && ["Asked at the till", fully(view.inquired_at)],
  view.replaces && ["Replaces", h("a", { href: "#/codes/" + encodeURIComponent(view.replaces) }, view.replaces)],
  view.replaced_by && ["Replaced by", h("a", { href: "#/codes/" + encodeURIComponent(view.replaced_by) }, view.replaced_by)],
  ["cancelled", "expired"].includes(view.status) && ["Can still be paid", view.stops_payment ? "definitely not" : "perhaps, at the store"],
  view.how_to_pay_page && ["DOKU’s page", h("a", { href: view.how_to_pay_page, target: "_blank", rel: "noopener" }, "How to pay")],
  ["Sequence", String(view.sequence)],
  view.metadata && ["Metadata", h("code", {}, JSON.stringify(view.metadata))],
]));

const paid = (view) => h("section", { class: "card" }, h("h2", {}, "Payments"),
  view.payments.length === 0 ? h("p", { class: "empty" }, "No payments yet.") : h("ul", { class: "steps" }, view.payments.map((each) => h("li", {},
    h("p", { class: "row spread" }, h("b", {}, rupiah(each.amount)), h("span", { class: "chip " + (each.kind === "paid" ? "paid" : "late") }, KINDS[each.kind] || each.kind)),
    h("p", { class: "hint" }, when(each.paid_at), ` · receipt ${each.receipt_number || "–"} · store ${each.store_id || "–"} · from ${each.source.replace("_", " ")}`)))),
  view.payments.length > 0 && !view.payments_complete && h("p", { class: "hint" }, "There may be others that DOKU has not told."),
  view.payments_count > view.payments.length && h("p", { class: "hint" }, `${view.payments_count} in total.`));

function instructions(howToPay) {
  if (howToPay === null) return [];
  if (howToPay instanceof Error) return sorry(howToPay);
  const steps = (each, id) => h("details", { id }, h("summary", {}, each.place), h("ol", {}, each.steps.map((step) => h("li", {}, step))));
  const part = (name, list, key, lang) => list.length > 0 && h("div", { lang }, h("h3", {}, name), list.map((each, index) => steps(each, `how-${key}-${index}`)));
  return h("section", { class: "card" }, h("h2", {}, "How to pay"),
    part("Bahasa Indonesia", howToPay.id, "id", "id"), part("English", howToPay.en, "en"), part("DOKU’s instructions", howToPay.doku, "doku"));
}

function history(events) {
  const inside = events instanceof Error
    ? [h("p", { class: "empty" }, "The events can’t be loaded: ", events.message)]
    : events.items.length === 0 ? [h("p", { class: "empty" }, "No events yet.")]
      : [h("ul", { class: "steps" }, events.items.map((event) => h("li", {},
        h("p", { class: "row spread" }, h("b", {}, event.type.replace("payment_code.", "")), deliveries(event)),
        h("p", { class: "hint" }, when(event.timestamp), " · ", h("code", {}, event.id)))))];
  return h("section", { class: "card" }, h("h2", {}, "History"), inside);
}

function atDoku(order) {
  if (order instanceof Error) return h("section", { class: "card" }, h("h2", {}, "At DOKU"), h("p", { class: "empty" }, "DOKU was never asked about this code."));
  const requests = typeof order.requests === "object" ? Object.entries(order.requests).map(([name, count]) => `${count} × ${name}`).join(", ") : order.requests;
  return h("section", { class: "card" }, h("h2", {}, "At DOKU"),
    facts([["Status", order.status || "unknown at DOKU"], ["Requests", requests], order.request_id && ["Request-Id", h("code", {}, order.request_id)]]),
    order.notifications.length > 0 && [h("h3", {}, "Notifications"), h("ul", { class: "steps" }, order.notifications.map((note) => h("li", {},
      h("p", { class: "row spread" }, h("b", {}, `No. ${note.id}`), h("span", { class: "chip " + (dokuStates[note.state] || "") }, note.state)),
      note.attempts.map((attempt) => h("p", { class: "hint" }, when(attempt.at), ` · ${attempt.status ?? "no status"} · ${attempt.outcome} · ${attempt.duration_ms ?? "–"} ms`, attempt.fault && ` · fault: ${attempt.fault}`)))))]);
}
