// One code with all that is on record of it.

import { channelName, desk, facts, fully, grouped, h, refresh, rupiah, statusOf, when } from "./kit.js";
import { KEPT, KINDS, RESOLUTIONS, about, advice, chips, codeLink, load, place, resolveButton } from "./stack.js";
import { deliveries } from "./events.js";

export async function history(root, { rest: [order], signal }) {
  const [content, known] = [h("div"), await about()];
  if (signal.aborted) return;
  root.append(h("div", { class: "head" }, h("p", { class: "crumb" }, h("a", { href: "#/search" }, "Search")), h("h1", {}, order)), content);
  const look = () => load(content, signal, () => desk("GET", "/codes/" + encodeURIComponent(order)), (found) => h("div", { class: "split even" },
    h("div", {}, summary(found.code), h("section", { class: "card" }, h("h2", {}, "Payments"), payments(found, known, look)), messages(found)),
    h("section", { class: "card" }, h("h2", {}, "History"), h("p", { class: "hint" }, "The oldest first. Times are in WIB; hold the pointer over one for UTC."), h("ol", { class: "steps" }, timeline(found)))));
  await look();
}

const summary = (code) => h("article", { class: "slip", "data-status": code.status },
  h("p", { class: "row spread" }, h("b", {}, `${channelName(code.channel)} · ${code.feature}`), statusOf(code)),
  h("p", { class: code.payment_code ? "digits" : "digits none" }, code.payment_code ? grouped(code.payment_code) : code.forgotten_at ? "The digits were forgotten." : "No digits yet."),
  h("p", { class: "sum" }, rupiah(code.amount)),
  facts([
    ["Storefront", code.storefront_id],
    code.invoice_number !== code.order_number && ["Invoice number", code.invoice_number],
    ["Created", fully(code.created_at)], ["Until", fully(code.expires_at)],
    code.paid_at && ["First paid", fully(code.paid_at)],
    code.unpaid_inquiry_at && ["At the till", [fully(code.unpaid_inquiry_at), ": a till was told that it may take the money, and no payment is known since."]],
    code.replaces && ["Replaces", codeLink(code.replaces)], code.replaced_by && ["Replaced by", codeLink(code.replaced_by)],
    ["cancelled", "expired"].includes(code.status) && ["Can still be paid", code.stops_payment ? "definitely not" : "perhaps, at the store"],
    code.reusable && ["Reusable", `yes; ${code.payments_count} payments are known`],
    code.failure && ["Failed", code.failure], code.refund && ["Refund at DOKU", when(code.refund.recorded_at)],
    code.unconfirmed && ["Unconfirmed", "DOKU never confirmed that it was not paid."],
    code.is_disputed && ["Disputed", "DOKU says that it was paid, and no payment on record pays it."],
    code.due_at && ["Next look", fully(code.due_at)], code.forgotten_at && ["Personal data", ["forgotten ", when(code.forgotten_at)]],
  ]));

function payments({ payments: list, code }, known, changed) {
  if (list.length === 0) return h("p", { class: "empty" }, "No payments are on record.");
  const one = (payment) => h("li", { "data-payment": payment.id },
    h("p", { class: "row spread" }, h("b", {}, rupiah(payment.amount)), chips(payment)),
    payment.needs_attention && h("p", { class: "asked" }, advice(payment) || "A person should look at it."),
    facts([["Paid", fully(payment.paid_at)], ["Receipt", payment.receipt_number], ["Store", place({ ...payment, channel: code.channel })], payment.first_paid && ["Paid first", payment.first_paid]]),
    payment.resolutions.map((each) => h("p", { class: "hint" }, h("b", {}, RESOLUTIONS[each.resolution][0]), " by ", each.by, ", ", when(each.resolved_at), each.reference && ` · ${each.reference}`, each.note && ` · ${each.note}`)),
    h("details", { id: "tellings-" + payment.id, class: "raw" }, h("summary", {}, payment.tellings.length === 1 ? "DOKU’s message" : `DOKU’s ${payment.tellings.length} messages`), payment.tellings.map(telling)),
    known.write && h("p", {}, resolveButton({ ...payment, order_number: code.order_number, invoice_number: code.invoice_number }, known.needs_reason, changed)));
  return h("ul", { class: "steps" }, list.map(one));
}

const SOURCES = { notification: "a notification", status_check: "the answer to a status check", settlement: "a line of a settlement report" };
const telling = (each) => facts([
  ["Came as", SOURCES[each.source] || each.source], ["Amount", rupiah(each.amount)],
  ["Dated", [when(each.paid_at), !each.dated && " (not the payment’s own date)"]], ["Receipt", each.receipt_number], ["Store", each.store_id],
  ["Chain", each.agent_id], each.assigned_from && ["Assigned from", each.assigned_from], ["SHA-256", h("code", {}, each.sha256)],
]);

const messages = ({ kept }) => kept.length > 0 && h("section", { class: "card" }, h("h2", {}, "Kept messages of DOKU’s"), h("ul", { class: "steps" }, kept.map((each) => h("li", {},
  h("p", { class: "row spread" }, h("b", {}, KEPT[each.reason] || each.reason), each.dismissed && h("span", { class: "chip" }, "dismissed")),
  h("p", { class: "hint" }, when(each.received_at), each.payment && ` · ${rupiah(each.payment.amount)} · receipt ${each.payment.receipt_number || "–"}`, each.dismissed && ` · ${each.dismissed}`)))));

/** Everything that happened, the oldest first. */
function timeline({ code, payments: list, events, audit, kept }) {
  const steps = [];
  const add = (at, title, ...hint) => { if (at) steps.push({ at, title, hint }); };
  add(code.created_at, "The code was made", `${rupiah(code.amount)} · ${channelName(code.channel)}`);
  if (code.activated_at && code.feature !== "dipc") add(code.activated_at, code.feature === "dgpc" ? "DOKU gave the digits" : "DOKU took the digits");
  add(code.inquired_at, "A till was told that it may take the money", "the last time that DOKU asked");
  add(code.ended_at, { cancelled: "It was cancelled", failed: "It failed" }[code.status] || (code.cancelled_at ? "It was cancelled" : "It ended"));
  for (const payment of list) {
    add(payment.recorded_at, `Payment ${payment.id} became known: ${KINDS[payment.kind] || payment.kind}`, `${rupiah(payment.amount)} · paid `, when(payment.paid_at), ` · from ${SOURCES[payment.source] || payment.source}`);
    for (const each of payment.resolutions) add(each.resolved_at, `Payment ${payment.id} was resolved: ${RESOLUTIONS[each.resolution][0].toLowerCase()}`, `by ${each.by}`);
  }
  for (const each of kept) add(each.received_at, "A message of DOKU’s was kept", KEPT[each.reason] || each.reason);
  for (const event of events) add(event.created_at, [h("span", { class: "row spread" }, h("span", {}, "Event ", h("code", {}, event.type)), deliveries({ delivery: event }))], event.attempts.at(-1) && ["last tried ", when(event.attempts.at(-1).at), ` · ${event.attempts.at(-1).status_code ?? event.attempts.at(-1).error}`]);
  for (const each of audit) add(each.at, ["By hand: ", h("code", {}, each.command)], `${each.who} · ${each.outcome}`, each.reason && ` · ${each.reason}`);
  add(code.forgotten_at, "Its personal data were forgotten");
  return steps.sort((one, other) => one.at.localeCompare(other.at)).map(({ at, title, hint }) => h("li", {},
    h("p", {}, h("b", {}, title)), h("p", { class: "hint" }, when(at), hint.flat().some(Boolean) && " · ", hint)));
}
