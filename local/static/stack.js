// What the views of a whole stack share: its storefronts, payments as a table, and what is asked before a change.

import { Refused, busy, channelName, desk, field, h, input, refresh, rupiah, select, showFieldProblems, sorry, toast, when } from "./kit.js";
import { address } from "./router.js";

let known = null;
/** What the desk says of itself and its stack. */
export async function about() {
  known ||= desk("GET", "/about");
  try { return await known; } catch (error) { known = null; throw error; }
}

let chosen = "";
/** The storefront that the address names, or the one that was chosen last; "" is all of them. */
export function storefrontOf(query, { storefronts }) {
  if (query.has("storefront")) chosen = query.get("storefront");
  if (!storefronts.some((each) => each.storefront_id === chosen)) chosen = "";
  return chosen;
}

/** A menu of the stack's storefronts; null if there is only one. */
export function storefrontMenu({ storefronts }, current, go) {
  if (storefronts.length < 2) return null;
  const names = storefronts.map((each) => [each.storefront_id, each.name === each.storefront_id ? each.name : `${each.name} (${each.storefront_id})`]);
  const menu = select("storefront", [["", "All storefronts"], ...names], current);
  menu.addEventListener("change", () => { chosen = menu.value; go(menu.value); });
  return field("Storefront", menu);
}

/** Loads something once and shows it; shows what is wrong, with a way to try again. */
export async function load(element, signal, read, show) {
  element.setAttribute("aria-busy", "true");
  if (!element.childNodes.length) element.replaceChildren(h("p", { class: "empty" }, "Loading …"));
  try {
    const found = await read();
    if (!signal.aborted) refresh(element, found, () => show(found));
  } catch (error) {
    if (!signal.aborted) refresh(element, String(error) + Date.now(), () => [sorry(error), h("p", {}, h("button", { type: "button", onclick: () => load(element, signal, read, show) }, "Try again"))]);
  }
  element.removeAttribute("aria-busy");
}

// --- words -----------------------------------------------------------------------------------

const WHY = {
  paid_late: ["Paid late", "After its deadline. Fulfil the order, or give the money back."],
  paid_again: ["Paid again", "The code was paid before. Give this payment back."],
  amount_mismatch: ["Wrong amount", "Not what the code asks for. Compare with DOKU’s Back Office; fulfil the order, or give the money back."],
  digits_mismatch: ["Wrong digits", "It names another payment code. Compare with DOKU’s Back Office."],
  uncertain: ["Uncertain", ""],
};
const DOUBTS = {
  may_be_known: "It may be a payment that is on record already.",
  may_be_two: "Two tills may each have taken the money.",
  tellings_disagree: "DOKU’s messages name different amounts or digits.",
  dated_before_code: "DOKU dates it before its code was made.",
};
export const RESOLUTIONS = {
  fulfilled: ["Fulfilled", "the customer got what was paid for"],
  refunded: ["Refunded", "the customer got the money back"],
  kept: ["Kept", "the merchant keeps the money"],
  not_ours: ["Not ours", "there is no such money, or it is another’s"],
};
export const KEPT = {
  unmatched: "No code here has this order number.",
  unreadable: "It can’t be read: something is missing or makes no sense.",
  not_success: "It reports no payment.",
  refunded: "It says that a payment went back to the customer.",
  older_order: "The payment is older than the code that has its number.",
};
export const KINDS = { paid: "paid", paid_late: "paid late", paid_again: "paid again", amount_mismatch: "wrong amount", digits_mismatch: "wrong digits" };

/** Why a payment calls for a person, as chips. */
export const chips = (payment) => h("span", { class: "row" },
  payment.attention.length === 0 ? h("span", { class: "chip paid" }, "paid") : payment.attention.map((each) => h("span", { class: "chip " + (payment.needs_attention ? "bad" : "") }, WHY[each]?.[0] || each)),
  payment.resolutions.length > 0 && h("span", { class: "chip good" }, RESOLUTIONS[payment.resolutions.at(-1).resolution][0].toLowerCase()));

/** What a person should do about a payment, in sentences. */
export const advice = (payment) => [
  ...payment.attention.map((each) => WHY[each]?.[1]),
  ...payment.doubts.map((each) => DOUBTS[each] || each),
].filter(Boolean).join(" ");

export const codeLink = (order, text) => h("a", { href: address("code", [order]) }, text || order);

// --- payments --------------------------------------------------------------------------------

/** A table of payments; `changed` runs after one was resolved. */
export function paymentTable(payments, { caption, storefronts, write, needs_reason, since, changed }) {
  const row = (payment) => h("tr", { "data-payment": `${payment.order_number} ${payment.id}` },
    h("th", { scope: "row", "data-name": "Code" }, codeLink(payment.order_number), storefronts.length > 1 && h("small", { class: "hint under" }, payment.storefront_id)),
    h("td", { class: "number", "data-name": "Amount" }, rupiah(payment.amount)),
    h("td", { "data-name": "Paid" }, when(payment.paid_at)),
    since && h("td", { "data-name": "Known since" }, when(payment.recorded_at)),
    h("td", { "data-name": "Receipt" }, h("span", { class: "mono" }, payment.receipt_number || "–"), h("small", { class: "hint under" }, place(payment))),
    h("td", { class: "wide" }, chips(payment), since && h("small", { class: "hint" }, advice(payment))),
    write && h("td", { class: "wide" }, payment.needs_attention && resolveButton(payment, needs_reason, changed)));
  return h("table", { class: "cards" }, h("caption", { class: "away" }, caption),
    h("thead", {}, h("tr", {}, ["Code", "Amount", "Paid, WIB", since && "Known since", "Receipt and store", since ? "Why" : "State", write && "Action"].filter(Boolean).map((name) => h("th", { scope: "col", class: name === "Amount" && "number" }, name === "Action" ? h("span", { class: "away" }, name) : name)))),
    h("tbody", {}, payments.map(row)));
}
export const place = (payment) => [payment.channel && channelName(payment.channel), payment.store_id].filter(Boolean).join(" · ") || "–";

export const resolveButton = (payment, needsReason, changed) => h("button", {
  type: "button", class: payment.needs_attention ? "small" : "small quiet", id: `resolve-${payment.order_number}-${payment.id}`,
  "aria-label": `Resolve payment ${payment.id} of ${payment.order_number}`,
  onclick: () => resolve(payment, needsReason, changed),
}, "Resolve …");

function resolve(payment, needsReason, changed) {
  const kinds = h("fieldset", {}, h("legend", {}, "What was done?"), Object.entries(RESOLUTIONS).map(([value, [name, meaning]]) => h("label", { class: "check" },
    h("input", { type: "radio", name: "resolution", value, required: true }), h("span", {}, h("b", {}, name), `: ${meaning}`))));
  ask({
    title: "Resolve the payment", needsReason, verb: "Record it",
    intro: [h("p", {}, h("b", {}, rupiah(payment.amount)), " of ", payment.invoice_number, " · receipt ", payment.receipt_number || "–", " · ", when(payment.paid_at)), h("p", { class: "hint" }, advice(payment))],
    fields: [kinds, field("Reference", input("reference", { maxlength: 64 }), "Your own, such as the number of a bank transfer. May be empty."),
      field("Note", h("textarea", { name: "note", rows: 2, maxlength: 500 }), "The storefront sees it. It is kept as long as DOKU's message. May be empty.")],
    send: (values) => desk("POST", `/codes/${encodeURIComponent(payment.order_number)}/payments/${encodeURIComponent(payment.id)}/resolution`, values),
    done: (answer) => { toast(answer.is_news ? "Recorded. The storefront is told." : "That was on record already."); changed(); },
  });
}

/** Asks for what a change needs in a dialog, and makes it. `send` gets the fields' values. */
export function ask({ title, intro, fields, needsReason, verb, send, done }) {
  const [problem, go] = [h("div"), h("button", { class: "main" }, verb)];
  const reason = needsReason && field("Why", input("reason", { required: true }), "It is kept in the audit. No names of customers.");
  const form = h("form", { novalidate: true }, h("h2", { id: "ask-title" }, title), intro, fields, reason, problem,
    h("div", { class: "row actions" }, go, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Leave it")));
  const dialog = h("dialog", { "aria-labelledby": "ask-title" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(go, problem, async () => {
      try {
        const answer = await send(Object.fromEntries(new FormData(form)));
        dialog.close();
        done(answer);
      } catch (error) {
        if (error instanceof Refused) showFieldProblems(form, error.fields);
        throw error;
      }
    });
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
