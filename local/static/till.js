// The cashier's till on DOKU's simulator: look a code up, take the cash, print a receipt.

import { busy, doku, facts, field, fully, grouped, h, input, rupiah, select, sorry, when } from "./kit.js";

const NOTIFY = [["send", "arrives once"], ["duplicate", "arrives twice"], ["late", "arrives an hour late"], ["lost", "is lost"], ["wrong_amount", "has the wrong amount"], ["wrong_key", "is signed with the wrong key"], ["none", "is never sent"]];

export async function till(root, { rest, signal }) {
  const digits = input("payment_code", { inputmode: "numeric", required: true, class: "big", maxlength: "40", value: rest[0] ? grouped(rest[0]) : "" });
  const look = h("button", { class: "main" }, "Look it up");
  const problem = h("div");
  const bill = h("div", { class: "beside", "aria-live": "polite" });
  const typed = () => digits.value.replace(/[\s.-]/g, "");

  const form = h("form", { class: "card", novalidate: true },
    field("Payment code", digits, "Spaces, dots and dashes are ignored."), problem, look);

  const show = (seen) => {
    const amount = input("amount", { inputmode: "numeric", value: seen.amount ?? "" });
    const notify = select("notify", NOTIFY, "send");
    const number = input("receipt_number", { placeholder: "automatic" });
    const force = input("force", { type: "checkbox" });
    const wrong = h("div");
    const pay = h("button", { class: "main", disabled: !seen.payable }, "Take the cash");
    force.addEventListener("change", () => { pay.disabled = !seen.payable && !force.checked; });
    const paying = h("form", { class: "card", id: "bill", novalidate: true },
      h("div", { class: "row spread" }, h("strong", {}, seen.store), h("code", {}, seen.feature)),
      seen.amount !== null && h("p", { class: "sum" }, rupiah(seen.amount)),
      facts([["Code", grouped(seen.payment_code)], ["Customer", seen.customer_name], ["Cashier’s line", seen.info], ["Invoice", seen.invoice_number], seen.expires_at && ["Until", fully(seen.expires_at)]]),
      inquiry(seen.inquiry),
      !seen.payable && h("p", { class: "sorry", role: "alert" }, h("strong", {}, "The till refuses the payment"), h("br"), seen.reason),
      h("details", { id: "pay-how" }, h("summary", {}, "What goes wrong?"),
        field("DOKU’s notification", notify),
        field("Receipt number", number, "Two payments may have the same one."),
        field("Amount paid", amount, "A real till takes the amount of the bill only."),
        h("label", { class: "check" }, force, h("span", {}, "Pay even if the till would refuse"))),
      wrong, pay);
    paying.addEventListener("submit", (event) => {
      event.preventDefault();
      busy(pay, wrong, async () => {
        // The bill shows the result of an inquiry already, so paying makes no second one.
        const order = { payment_code: seen.payment_code, inquiry: false };
        if (amount.value.trim() !== String(seen.amount ?? "")) order.amount = Number(amount.value);
        if (notify.value !== "send") order.notify = notify.value;
        if (number.value.trim()) order.receipt_number = number.value.trim();
        if (force.checked) order.force = true;
        receipt(await doku("POST", "/pay", order));
      });
    });
    bill.replaceChildren(paying);
    if (seen.payable) pay.focus();
  };

  const receipt = (paid) => {
    const notified = h("p", { class: "notified", id: "notified" }, paid.notification === null ? "No notification is sent." : "Notifying the merchant …");
    const invoice = paid.invoice_number;
    bill.replaceChildren(h("article", { class: "slip", id: "receipt" },
      h("h2", {}, paid.channel.toUpperCase()),
      h("p", { class: "sum good" }, "PAID ", rupiah(paid.amount)),
      facts([["Code", grouped(paid.payment_code)], ["Customer", paid.customer_name], ["Receipt", paid.receipt_number], ["Store", paid.store_id], ["Time", fully(paid.paid_at)]]),
      notified,
      h("p", { class: "row actions" }, h("a", { class: "button main", href: "#/codes/" + encodeURIComponent(invoice) }, "View the code"), h("a", { class: "button", href: "#/till", onclick: () => { digits.value = ""; bill.replaceChildren(); digits.focus(); } }, "Next customer"))));
    bill.querySelector("a.main").focus();
    if (paid.notification !== null) follow(paid, notified);
  };

  async function follow(paid, notified) {
    while (!signal.aborted && notified.isConnected) {
      const order = await doku("GET", "/orders/" + encodeURIComponent(paid.invoice_number)).catch(() => null);
      const note = order?.notifications.find((each) => each.id === paid.notification);
      const last = note?.attempts.at(-1);
      if (note?.state === "delivered") { notified.textContent = "The merchant has been notified."; return; }
      if (note?.state === "lost") { notified.textContent = "The notification was lost; reconciliation will find the payment."; return; }
      if (last) notified.replaceChildren(`Not notified yet (${last.outcome}); DOKU tries again `, when(note.due_at));
      else if (note && Date.parse(note.due_at) - Date.parse(paid.paid_at) > 5000) notified.replaceChildren("DOKU sends the notification ", when(note.due_at), ".");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async function inquire() {
    bill.replaceChildren();
    show(await doku("POST", "/inquiry", { payment_code: typed() }));
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); busy(look, problem, inquire); });
  root.append(
    h("div", { class: "head" }, h("h1", {}, "Till"), h("p", {}, "The cashier’s side, on DOKU’s simulator.")),
    h("div", { class: "split even" }, form, bill));
  if (rest[0]) await busy(look, problem, inquire);
  else digits.focus();
}

/** What the merchant answered to DOKU's inquiry; null for a code that DOKU holds itself. */
function inquiry(asked) {
  if (!asked) return null;
  const parts = [asked.http_status && `HTTP ${asked.http_status}`, asked.latency_ms !== null && `${asked.latency_ms} ms`].filter(Boolean);
  return h("p", { class: "asked" }, "DOKU asked the shop: ", h("b", {}, asked.status || "no valid answer"), parts.length ? ` · ${parts.join(" · ")}` : "", asked.problem && [h("br"), asked.problem]);
}
