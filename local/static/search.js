// Finds payments and codes by what somebody has in hand.

import { desk, field, h, input, rupiah, statusOf, when } from "./kit.js";
import { about, codeLink, load, paymentTable, storefrontMenu, storefrontOf } from "./stack.js";
import { address, visit } from "./router.js";

const FIELDS = ["text", "day", "amount", "store"];

export async function search(root, { query, signal }) {
  const found = h("div", { class: "list", "aria-live": "polite" });
  const text = input("text", { type: "search", class: "big", value: query.get("text") || "", placeholder: "753401045003", enterkeyhint: "search" });
  root.append(h("div", { class: "head" }, h("h1", {}, "Search"), h("p", {}, "Find a payment or a code by what the customer has in hand.")));
  const known = await about();
  if (signal.aborted) return;
  const storefront = storefrontOf(query, known);
  const more = FIELDS.slice(1).map((name) => query.get(name) || "");
  const day = input("day", { type: "date", value: more[0] });
  const amount = input("amount", { inputmode: "numeric", value: more[1], placeholder: "150000" });
  const store = input("store", { value: more[2] });
  const form = h("form", { class: "card", role: "search", novalidate: true },
    field("Receipt number, payment code, invoice or order number", text, "Spaces, case and leading zeros do not matter."),
    h("details", { open: more.some(Boolean) }, h("summary", {}, "By day, amount or store"),
      h("div", { class: "three" }, field("Day of the payment, WIB", day), field("Amount, rupiah", amount), field("Store", store, "Its number on the receipt."))),
    h("div", { class: "row end spread" }, storefrontMenu(known, storefront, (value) => go(value)) || h("span"), h("button", { class: "main" }, "Search")));
  const go = (of) => {
    const values = Object.fromEntries(new FormData(form));
    visit(address("search", [], { ...values, storefront: of }));
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); go(storefront); });
  root.append(form, found);
  if (!query.get("text")) text.focus();

  const asked = new URLSearchParams(FIELDS.filter((name) => query.get(name)).map((name) => [name, query.get(name).trim()]));
  if (storefront) asked.set("storefront", storefront);
  const find = () => asked.get("text") || asked.get("day")
    ? load(found, signal, () => desk("GET", "/search?" + asked), ({ payments, codes, complete }) => [
      payments.length > 0 && [h("h2", { class: "over" }, payments.length === 1 ? "1 payment" : `${payments.length} payments`), paymentTable(payments, { caption: "Payments, the newest first", ...known, changed: find })],
      codes.length > 0 && [h("h2", { class: "over" }, codes.length === 1 ? "1 code without a payment" : `${codes.length} codes without a payment`), codeTable(codes)],
      payments.length + codes.length === 0 && nothing(asked),
      !complete && h("p", { class: "hint" }, "There are more. Narrow it down by day, amount or store."),
    ].flat().filter(Boolean))
    : found.replaceChildren(more.some(Boolean) ? h("p", { class: "empty" }, "Give a day, too, or something from the receipt.") : "");
  await find();
}

const codeTable = (codes) => h("table", { class: "cards" }, h("caption", { class: "away" }, "Codes without a payment"),
  h("thead", {}, h("tr", {}, ["Code", "Amount", "Status", "Created, WIB", "Until"].map((name) => h("th", { scope: "col", class: name === "Amount" && "number" }, name)))),
  h("tbody", {}, codes.map((code) => h("tr", {},
    h("th", { scope: "row", "data-name": "Code" }, codeLink(code.order_number)),
    h("td", { class: "number", "data-name": "Amount" }, rupiah(code.amount)),
    h("td", { "data-name": "Status" }, statusOf(code)),
    h("td", { "data-name": "Created" }, when(code.created_at)),
    h("td", { "data-name": "Until" }, when(code.expires_at))))));

const nothing = (asked) => h("section", { class: "card" }, h("h2", {}, "Nothing was found"),
  h("p", {}, "If the customer has a receipt, and the money was taken:"),
  h("ul", {},
    h("li", {}, "Compare each character with the receipt. The payment code on it leads to the same payment."),
    h("li", {}, "Search by the day and the amount, without the number", asked.get("day") ? ", or the day before: dates are in WIB." : "."),
    h("li", {}, "Look at ", h("a", { href: "#/attention" }, "what calls for a person"), ": DOKU’s messages that match no code are there."),
    h("li", {}, "A payment of the last minutes may not have been told yet.")));
