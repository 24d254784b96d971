// What calls for a person.

import { desk, field, h, input, rupiah, statusOf, toast, when } from "./kit.js";
import { KEPT, about, ask, codeLink, load, paymentTable, storefrontMenu, storefrontOf } from "./stack.js";
import { address, visit } from "./router.js";

export async function attention(root, { query, signal }) {
  const known = await about();
  if (signal.aborted) return;
  const storefront = storefrontOf(query, known);
  const asked = storefront ? "?storefront=" + encodeURIComponent(storefront) : "";
  const [money, tills] = [h("div", { class: "list" }), h("div", { class: "list" })];
  const look = () => load(money, signal, () => desk("GET", "/attention" + asked), ({ payments, kept, complete }) => [
    h("h2", { class: "over" }, "Payments"),
    payments.length === 0 ? h("p", { class: "empty card" }, "No payment calls for a person.") : paymentTable(payments, { caption: "Payments that call for a person, the longest waiting first", since: true, ...known, changed: look }),
    h("h2", { class: "over" }, "DOKU’s messages without a code"),
    h("p", { class: "hint" }, "Signed by DOKU, and not settled. They are the whole stack’s."),
    kept.length === 0 ? h("p", { class: "empty card" }, "Every message of DOKU’s found its code.") : keptTable(kept, known, look),
    !complete && h("p", { class: "hint" }, "There are more. The longest waiting are shown."),
  ].filter(Boolean));
  root.append(
    h("div", { class: "head row spread end" }, h("div", {}, h("h1", {}, "Attention"), h("p", {}, "What nobody but a person can settle. A resolved payment leaves the list.")),
      h("div", { class: "row end" }, storefrontMenu(known, storefront, (value) => visit(address("attention", [], { storefront: value }))), h("button", { type: "button", class: "quiet", id: "again", onclick: () => show() }, "Look again"))),
    money, h("h2", { class: "over" }, "Tills that may have taken money"),
    h("p", { class: "hint" }, "A till was told that it may take the money, the code has ended, and no payment is known. Compare with the stores’ receipts or DOKU’s Back Office."), tills);
  const show = () => Promise.all([look(), load(tills, signal, () => desk("GET", "/inquired" + asked), ({ codes, read, complete }) => [
    codes.length === 0 ? h("p", { class: "empty card" }, `None among ${read} codes of the last 31 days.`) : inquiredTable(codes),
    !complete && h("p", { class: "hint" }, `Only the newest ${read} codes were read. The command codes inquired reads all.`),
  ].filter(Boolean))]);
  await show();
}

const keptTable = (kept, { write, needs_reason }, changed) => h("table", { class: "cards" }, h("caption", { class: "away" }, "Messages of DOKU’s that were not settled"),
  h("thead", {}, h("tr", {}, ["DOKU’s order", "Amount", "Paid, WIB", "Received", "Receipt", "Why", write && "Action"].filter(Boolean).map((name) => h("th", { scope: "col", class: name === "Amount" && "number" }, name === "Action" ? h("span", { class: "away" }, name) : name)))),
  h("tbody", {}, kept.map((each) => h("tr", { "data-kept": each.identity },
    h("th", { scope: "row", "data-name": "DOKU’s order" }, each.reason === "unmatched" ? each.order_number : codeLink(each.order_number)),
    h("td", { class: "number", "data-name": "Amount" }, each.payment ? rupiah(each.payment.amount) : "–"),
    h("td", { "data-name": "Paid" }, when(each.payment?.paid_at)),
    h("td", { "data-name": "Received" }, when(each.received_at)),
    h("td", { class: "mono", "data-name": "Receipt" }, each.payment?.receipt_number || "–"),
    h("td", { class: "wide" }, h("small", { class: "hint" }, KEPT[each.reason] || each.reason)),
    write && h("td", { class: "wide" }, h("span", { class: "row" },
      each.payment && h("button", { type: "button", class: "small", "aria-label": `Assign the message about ${each.order_number}`, onclick: () => assign(each, needs_reason, changed) }, "Assign …"),
      h("button", { type: "button", class: "small quiet", "aria-label": `Dismiss the message about ${each.order_number}`, onclick: () => dismiss(each, changed) }, "Dismiss …")))))));

const reported = (kept) => h("p", {}, kept.payment && [h("b", {}, rupiah(kept.payment.amount)), " · receipt ", kept.payment.receipt_number || "–", " · ", when(kept.payment.paid_at), " · "], "order ", kept.order_number);

const assign = (kept, needsReason, changed) => ask({
  title: "Assign to a code", needsReason, verb: "Assign it", intro: reported(kept),
  fields: field("Order number of the code", input("order_number", { required: true }), "It becomes a payment of this code."),
  send: (values) => desk("POST", `/notifications/${kept.identity}/assign`, values),
  done: (answer) => { toast(`Assigned to ${answer.order_number}.`); changed(); },
});
const dismiss = (kept, changed) => ask({
  title: "Dismiss the message", needsReason: false, verb: "Dismiss it", intro: [reported(kept), h("p", { class: "hint" }, "It is kept as evidence, with your reason.")],
  fields: field("Why", input("reason", { required: true }), "Kept with the message and in the audit. No names of customers."),
  send: (values) => desk("POST", `/notifications/${kept.identity}/dismiss`, values),
  done: () => { toast("Dismissed."); changed(); },
});

const inquiredTable = (codes) => h("table", { class: "cards" }, h("caption", { class: "away" }, "Codes for which a till may have taken money"),
  h("thead", {}, h("tr", {}, ["Code", "Amount", "Status", "Asked at the till, WIB"].map((name) => h("th", { scope: "col", class: name === "Amount" && "number" }, name)))),
  h("tbody", {}, codes.map((code) => h("tr", {},
    h("th", { scope: "row", "data-name": "Code" }, codeLink(code.order_number)), h("td", { class: "number", "data-name": "Amount" }, rupiah(code.amount)),
    h("td", { "data-name": "Status" }, statusOf(code)), h("td", { "data-name": "Asked" }, when(code.unpaid_inquiry_at))))));
