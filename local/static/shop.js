// A demo shop that creates every type of code and shows the request.

import {
  API, FEATURES, Refused, api, busy, channelName, codePath, copyButton, facts, field, fromField, fully, grouped, h,
  input, json, raw, rupiah, select, send, showFieldProblems, sorry, statusOf, toast, watch,
} from "./kit.js";

let number = 0;
const run = Date.now().toString(36).slice(-5).toUpperCase();
const newInvoice = () => `INV-${run}-${String(++number).padStart(3, "0")}`;

export async function shop(root, { query, signal }) {
  const [{ items: channels }, about] = await Promise.all([api("GET", "/channels"), send("GET", "/_local/about")]);
  if (signal.aborted) return;
  const kinds = channels.flatMap((channel) => channel.features.map((feature) => ({ channel, feature })));
  const answer = h("section", { class: "answer", "aria-label": "Response", "aria-live": "polite" });
  const preview = h("pre", { id: "request", tabindex: "0", "aria-label": "Request body" });
  const problem = h("div");
  const submit = h("button", { class: "main" }, "Create the code");

  const bins = h("select", { name: "bin" });
  const binField = field("BIN", bins, "Several BINs match: choose one.");
  const partField = field("Unique part", input("unique_part", { inputmode: "numeric", placeholder: "generated" }), "Your own digits after the BIN, for example a customer number.");
  const amount = input("amount", { inputmode: "numeric", required: true, value: "25000" });
  const amountField = field("Amount, rupiah", amount);
  const expiry = select("expiry", [["", "60 minutes, the default"], ["expires_in_minutes", "in minutes …"], ["expires_at", "at a time (WIB) …"], ["expires_on", "at the end of a day (WIB) …"]]);
  const expiries = {
    expires_in_minutes: field("Minutes", input("expires_in_minutes", { inputmode: "numeric", value: "5" })),
    expires_at: field("Time, WIB", input("expires_at", { type: "datetime-local" })),
    expires_on: field("Last day", input("expires_on", { type: "date" })),
  };
  const candidates = h("datalist", { id: "active-codes" });

  const form = h("form", { class: "card", novalidate: true },
    h("fieldset", { class: "kinds" }, h("legend", {}, "Type of code"),
      kinds.map(({ channel, feature }, index) => h("label", { class: "kind" },
        h("input", { type: "radio", name: "kind", value: `${channel.channel}/${feature}`, checked: index === 0 }),
        h("span", {}, h("strong", {}, channelName(channel.channel)), h("code", {}, feature), h("small", {}, FEATURES[feature] || ""))))),
    h("div", { class: "two" },
      field("Invoice number", input("invoice_number", { required: true, value: newInvoice() }), "Also the idempotency key."),
      amountField),
    h("div", { class: "two" }, binField, partField),
    h("div", { class: "two" },
      field("Customer", input("customer.name", { required: true, value: "Anton Budiman" })),
      field("E-mail", input("customer.email", { type: "email", placeholder: "optional" }))),
    h("div", { class: "two" }, field("Payable until", expiry), Object.values(expiries)),
    h("label", { class: "check" }, input("reusable", { type: "checkbox" }), h("span", {}, "Reusable: stays active and can be paid any number of times")),
    h("details", { id: "more" }, h("summary", {}, "More: replaces, cashier’s line, receipt, metadata"),
      field("Replaces", input("replaces", { list: "active-codes", placeholder: "invoice number", value: query.get("replaces") || "" }), "That code is cancelled once this one is active."), candidates,
      field("Cashier’s line", input("info", { placeholder: "Toko Sinar Jaya" })),
      h("div", { class: "two" },
        field("Receipt: description", input("receipt.description", { placeholder: "not at every channel" })),
        field("Receipt: footer", input("receipt.footer", { placeholder: "Terima kasih" }))),
      field("Metadata, JSON", h("textarea", { name: "metadata", rows: "2", spellcheck: "false", placeholder: "{\"order\": 42}" }), "Returned with the code and in its events.")),
    problem, submit);
  if (query.get("replaces")) form.querySelector("#more").open = true;

  const kind = () => {
    const [channel, feature] = form.elements.kind.value.split("/");
    return { channel: channels.find((each) => each.channel === channel), feature };
  };
  const text = (name) => form.elements.namedItem(name).value.trim();
  const whole = (name) => (/^-?\d+$/.test(text(name)) ? Number(text(name)) : text(name));

  function suit() {
    const { channel, feature } = kind();
    const fitting = channel.bins.filter((bin) => bin.features.includes(feature));
    binField.hidden = fitting.length < 2;
    const chosen = bins.value;
    bins.replaceChildren(...fitting.map((bin) => h("option", { value: bin.bin, selected: bin.bin === chosen }, `${bin.bin} · ${bin.bin_type}`)));
    partField.hidden = feature === "dgpc";
    const note = amountField.querySelector(".note");
    note.dataset.hint = note.textContent = `${rupiah(channel.min_amount)} to ${rupiah(channel.max_amount)}`;
    for (const [name, each] of Object.entries(expiries)) each.hidden = name !== expiry.value;
    preview.textContent = json(body());
  }

  function body() {
    const { channel, feature } = kind();
    const made = { invoice_number: text("invoice_number"), amount: whole("amount"), channel: channel.channel, feature };
    if (!binField.hidden) made.bin = bins.value;
    if (!partField.hidden && text("unique_part")) made.unique_part = text("unique_part");
    made.customer = { name: text("customer.name") };
    if (text("customer.email")) made.customer.email = text("customer.email");
    if (expiry.value === "expires_in_minutes") made.expires_in_minutes = whole("expires_in_minutes");
    if (expiry.value === "expires_at") made.expires_at = fromField(text("expires_at"));
    if (expiry.value === "expires_on") made.expires_on = text("expires_on");
    if (form.elements.reusable.checked) made.reusable = true;
    if (text("replaces")) made.replaces = text("replaces");
    if (text("info")) made.info = text("info");
    const receipt = Object.fromEntries(["description", "footer"].map((name) => [name, text("receipt." + name)]).filter(([, value]) => value));
    if (Object.keys(receipt).length) made.receipt = receipt;
    if (text("metadata")) { try { made.metadata = JSON.parse(text("metadata")); } catch { made.metadata = text("metadata"); } }
    return made;
  }

  async function create(request) {
    showFieldProblems(form, []);
    answer.replaceChildren();
    const got = await send("POST", `${API}/payment-codes`, request);
    if (signal.aborted) return;
    if (!got.ok) {
      answer.replaceChildren(...response(got));
      const refused = new Refused(got);
      problem.replaceChildren(sorry(refused));
      showFieldProblems(form, refused.fields);
      return;
    }
    answer.replaceChildren(slip(got.body), ...response(got), h("p", { class: "row" }, h("button", { type: "button", class: "small", onclick: (event) => busy(event.currentTarget, problem, () => create(request)) }, "Send the same again")));
    watchSlip(got.body);
    if (got.status !== 200) form.elements.invoice_number.value = newInvoice();
    form.elements.replaces.value = "";
    suit();
    offer();
  }

  // The slip is refreshed, so that a payment shows without a reload.
  let following = new AbortController();
  function watchSlip(shown) {
    following.abort();
    const mine = following = new AbortController();
    signal.addEventListener("abort", () => mine.abort());
    watch(mine.signal, 2, async () => {
      const code = await api("GET", codePath(shown.invoice_number)).catch(() => shown);
      const old = answer.querySelector(".slip");
      if (!mine.signal.aborted && old && code.sequence !== Number(old.dataset.sequence)) old.replaceWith(slip(code));
    });
  }

  const response = ({ status, ms, headers, body: content }) => {
    const notable = ["location", "retry-after"].filter((name) => headers.get(name)).map((name) => `${name}: ${headers.get(name)}`);
    return [h("p", { class: "http" }, h("b", { class: status < 300 ? "good" : "bad" }, String(status)), ` in ${ms} ms`, notable.map((line) => [" · ", h("code", {}, line)])),
      raw("answer-body", "Response body", content)];
  };

  async function offer() {
    const { items } = await api("GET", "/payment-codes?status=active&limit=50").catch(() => ({ items: [] }));
    candidates.replaceChildren(...items.map((code) => h("option", { value: code.invoice_number }, `${channelName(code.channel)} · ${rupiah(code.amount)}`)));
  }

  form.addEventListener("input", suit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(submit, problem, () => create(body()));
  });
  const curl = () => [`curl ${about.body.api_url}/payment-codes`, "-H \"Authorization: Bearer $O2O_KEY\"", "-H 'Content-Type: application/json'", `-d '${JSON.stringify(body()).replaceAll("'", "'\\''")}'`].join(" ");

  root.append(
    h("div", { class: "head" }, h("h1", {}, "Demo shop"), h("p", {}, "Create a payment code for an order of your shop.")),
    h("div", { class: "split" }, form, h("div", { class: "beside" },
      answer,
      h("section", { class: "card plain" }, h("div", { class: "row spread" }, h("h2", {}, "POST /payment-codes"), h("button", { type: "button", class: "small quiet", onclick: async () => { await navigator.clipboard.writeText(curl()); toast("Copied as a curl command"); } }, "Copy as curl")), preview))));
  suit();
  offer();
}

/** A code as a slip of paper: what the customer needs, and links to the next steps. */
export function slip(code, more = [details(code)]) {
  const digits = code.payment_code;
  const open = code.status === "active";
  return h("article", { class: "slip", "data-sequence": code.sequence, "data-status": code.status },
    h("div", { class: "row spread" }, h("strong", {}, channelName(code.channel)), statusOf(code)),
    digits ? h("p", { class: "row digits" }, h("span", {}, grouped(digits)), copyButton(digits, "the digits")) : h("p", { class: "digits none" }, "Waiting for DOKU’s digits"),
    h("p", { class: "sum" }, rupiah(code.amount)),
    facts([["Invoice", code.invoice_number], ["Until", fully(code.expires_at)], code.paid_at && ["Paid", fully(code.paid_at)], code.reusable && ["Reusable", `${code.payments_count} payments`], code.replaces && ["Replaces", code.replaces], code.failure && ["Failed", code.failure.message || code.failure.reason]]),
    h("p", { class: "row actions" },
      digits && open && h("a", { class: "button main", href: "#/till/" + digits }, "Pay at the till"),
      code.pay_url && h("a", { class: "button", href: code.pay_url, target: "_blank", rel: "noopener" }, "Customer’s page"),
      more));
}

const details = (code) => h("a", { class: "button", href: "#/codes/" + encodeURIComponent(code.invoice_number) }, "Details");
