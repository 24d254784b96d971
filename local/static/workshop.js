// The developer's tools: the clock, DOKU's faults, the functions' logs, addresses.

import { advance } from "./clock.js";
import { Refused, busy, channelName, copyButton, doku, facts, field, h, input, local, refresh, select, sorry, toast, watch } from "./kit.js";

const UNITS = [["60", "minutes"], ["3600", "hours"], ["86400", "days"], ["1", "seconds"]];
const LINES = 300;

export async function workshop(root, { query, signal }) {
  const about = await local("GET", "/about");
  if (signal.aborted) return;
  root.append(
    h("div", { class: "head" }, h("h1", {}, "Workshop"), h("p", {}, "Time, faults and logs.")),
    h("div", { class: "split even" }, h("div", {}, time(), order(about), addresses(about)), faults(about, signal)),
    logs(query, signal));
}

// --- time ------------------------------------------------------------------------------------

function time() {
  const amount = input("amount", { inputmode: "numeric", value: "30", class: "narrow" });
  const unit = select("unit", UNITS, "60");
  const [problem, go, run] = [h("div"), h("button", {}, "Advance"), h("button", { type: "button" }, "Run the schedules now")];
  const form = h("form", { class: "card", id: "time", novalidate: true }, h("h2", {}, "Time"),
    h("div", { class: "row end" }, field("Advance by", amount), field("Unit", unit), go, run),
    h("p", { class: "hint" }, "The schedules also run every minute, and do everything that is due."), problem);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(go, problem, () => advance(Number(amount.value) * Number(unit.value)));
  });
  run.addEventListener("click", () => busy(run, problem, async () => {
    const { failed_schedules: failed } = await local("POST", "/run-schedules");
    window.dispatchEvent(new Event("moved"));
    toast(failed.length ? `These schedules failed: ${failed.join(", ")}.` : "The schedules have run.");
  }));
  return form;
}

const addresses = (about) => h("section", { class: "card" }, h("h2", {}, "Addresses"), facts([
  ["API", [h("code", {}, about.api_url), " ", copyButton(about.api_url, "the API’s address")]],
  ["Storefront", about.storefront],
  ["Cashier page", h("a", { href: about.cashier_url, target: "_blank", rel: "noopener" }, about.cashier_url)],
  ["DOKU’s simulator", h("a", { href: about.doku_url, target: "_blank", rel: "noopener" }, about.doku_url)],
  ["DynamoDB", h("code", {}, about.dynamodb_url)],
  ["Key", ["in ", h("code", {}, ".local/stack.json"), "; the browser never sees it"]],
]));

// --- an order at DOKU -----------------------------------------------------------------------

/** What DOKU says of one order from now on, paid or not: in status checks, or in a notification. */
function order(about) {
  const invoice = input("order", { placeholder: "as DOKU has it", required: true });
  const status = select("status", about.statuses.map((each) => [each, each]), "REFUNDED");
  const [problem, set, notify, restore] = [h("div"), h("button", {}, "Set the status"), h("button", { type: "button" }, "Notify"), h("button", { type: "button", class: "quiet" }, "Restore")];
  const at = () => "/orders/" + encodeURIComponent(invoice.value.trim()) + "/status";
  const form = h("form", { class: "card", id: "order", novalidate: true }, h("h2", {}, "An order at DOKU"),
    h("div", { class: "two" }, field("Invoice number", invoice), field("Status", status)),
    h("p", { class: "hint" }, "Status checks report it until you restore it. Notify sends a notification with it."),
    h("div", { class: "row" }, set, notify, restore), problem);
  const act = (button, work, done) => busy(button, problem, async () => { await work(); toast(done); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(set, () => doku("POST", at(), { status: status.value }), "The status is set.");
  });
  restore.addEventListener("click", () => act(restore, () => doku("POST", at(), { status: null }), "The status is its own again."));
  notify.addEventListener("click", () => act(notify, () => doku("POST", "/notify", { invoice_number: invoice.value.trim(), status: status.value }), "The notification is on its way."));
  return form;
}

// --- faults ----------------------------------------------------------------------------------

function faults(about, signal) {
  const kinds = about.faults;
  const kind = select("kind", Object.keys(kinds).map((name) => [name, name.replaceAll("_", " ")]), "hang_after_accept");
  const operation = h("select", { name: "operation" });
  const times = input("times", { inputmode: "numeric", value: "1", class: "narrow" });
  const invoice = input("invoice_number", { placeholder: "any" });
  const channel = select("channel", [["", "any"], ...about.channels.map((each) => [each, channelName(each)])], "");
  const more = h("div", { class: "two" });
  const [problem, list, add] = [h("div"), h("div"), h("button", {}, "Add the fault")];

  function suit() {
    const { operations, parameters } = kinds[kind.value];
    const all = operations.length > 1 ? ["any", ...operations] : operations;
    operation.replaceChildren(...all.map((each) => h("option", { value: each }, each)));
    more.replaceChildren(...Object.entries(parameters).map(([name, { default: usual, choices }]) => {
      const values = typeof usual === "boolean" ? ["true", "false"] : choices;
      return field(name.replaceAll("_", " "), values.length
        ? select("p-" + name, values.map((each) => [each, each.replaceAll("_", " ")]), String(usual))
        : input("p-" + name, { value: usual ?? "", placeholder: "automatic" }));
    }));
  }
  function wanted() {
    const made = { kind: kind.value, operation: operation.value, times: times.value.trim() === "" ? null : Number(times.value) };
    if (invoice.value.trim()) made.invoice_number = invoice.value.trim();
    if (channel.value) made.channel = channel.value;
    for (const [name, { default: usual }] of Object.entries(kinds[kind.value].parameters)) {
      const value = form.elements.namedItem("p-" + name).value.trim();
      if (value !== "" && value !== String(usual)) made[name] = typeof usual === "boolean" ? value === "true" : /^-?[\d.]+$/.test(value) && typeof usual !== "string" && name !== "payment_code" ? Number(value) : value;
    }
    return made;
  }
  const change = (method, path, done) => (event) => busy(event.currentTarget, problem, async () => { await doku(method, path, method === "POST" ? {} : undefined); toast(done); await look(); });

  const form = h("form", { class: "card", id: "faults", novalidate: true }, h("h2", {}, "DOKU’s faults"),
    h("div", { class: "two" }, field("Kind", kind), field("Operation", operation)), more,
    h("div", { class: "two" }, field("Times", times, "Empty: always."), field("Invoice number", invoice), field("Channel", channel)),
    problem, add, list);
  kind.addEventListener("change", suit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(add, problem, async () => { await doku("POST", "/faults", wanted()); await look(); });
  });

  const row = (fault) => h("li", {},
    h("p", { class: "row spread" },
      h("span", {}, h("b", {}, fault.kind.replaceAll("_", " ")), ` of ${fault.operation}`, fault.invoice_number && ` for ${fault.invoice_number}`, fault.channel && ` at ${channelName(fault.channel)}`),
      h("button", { type: "button", class: "small quiet", id: `fault-${fault.id}`, "aria-label": `Remove fault ${fault.id}`, onclick: change("DELETE", `/faults/${fault.id}`, "Removed.") }, "Remove")),
    h("p", { class: "hint" }, fault.remaining === null ? "always" : fault.remaining === 0 ? "used up" : `${fault.remaining} left`, ` · used ${fault.used}`));
  async function look() {
    try {
      const state = await doku("GET", "/faults");
      if (!signal.aborted) refresh(list, state, () => state.faults.length === 0 && !state.hanging ? h("p", { class: "empty" }, "No faults are set.") : [
        h("ul", { class: "steps" }, state.faults.map(row)),
        h("p", { class: "row" },
          h("button", { type: "button", class: "small", id: "clear-faults", onclick: change("DELETE", "/faults", "All faults are cleared.") }, "Clear all"),
          state.hanging > 0 && h("button", { type: "button", class: "small", id: "release", onclick: change("POST", "/faults/release", "The hanging requests were released.") }, `Release ${state.hanging} hanging`))]);
    } catch (error) { refresh(list, String(error), () => sorry(error)); }
  }
  suit();
  watch(signal, 2, look);
  return form;
}

// --- logs ------------------------------------------------------------------------------------

function logs(query, signal) {
  const name = h("select", { name: "log" });
  const only = input("only", { type: "search", placeholder: "any text" });
  const lines = h("ol", { class: "log", tabindex: "0", "aria-label": "Lines of the log" });
  const whole = h("a", { class: "button quiet", target: "_blank", rel: "noopener" }, "Whole log");
  let [shown, next] = ["", 0];

  const narrow = () => { for (const line of lines.children) line.hidden = !line.textContent.toLowerCase().includes(only.value.trim().toLowerCase()); };
  async function look() {
    try {
      const known = await local("GET", "/logs");
      const chosen = name.value || query.get("log") || known.find((log) => log.name.startsWith("GenerateCode"))?.name || known[0]?.name;
      refresh(name, known.map((log) => log.name), () => known.map((log) => h("option", { value: log.name, selected: log.name === chosen }, log.name.replace(/Function$/, ""))));
      if (!chosen) return;
      if (shown !== chosen) { lines.replaceChildren(); [shown, next] = [chosen, 0]; whole.href = `/logs/${encodeURIComponent(chosen)}`; }
      const got = await local("GET", `/logs/${encodeURIComponent(chosen)}${next ? `?after=${next}` : ""}`);
      if (signal.aborted || shown !== chosen) return;
      next = got.next;
      const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
      lines.append(...got.lines.map(line));
      while (lines.children.length > LINES) lines.firstElementChild.remove();
      narrow();
      if (atEnd && got.lines.length) lines.scrollTop = lines.scrollHeight;
    } catch (error) { if (!(error instanceof Refused)) throw error; lines.replaceChildren(h("li", {}, error.message)); }
  }
  name.addEventListener("change", look);
  only.addEventListener("input", narrow);
  watch(signal, 2, look);
  return h("section", { class: "card" }, h("h2", {}, "Logs"), h("div", { class: "row end" }, field("Function", name), field("Lines with", only), whole), lines);
}

/** A line of a log: formatted if it is a JSON object, else as it is. */
function line(text) {
  let entry;
  try { entry = JSON.parse(text); } catch { return h("li", {}, text); }
  if (!entry || typeof entry !== "object") return h("li", {}, text);
  if (entry._aws) {
    const names = entry._aws.CloudWatchMetrics.flatMap((each) => each.Metrics.map(({ Name }) => Name));
    return h("li", { class: "metric" }, h("b", {}, "METRIC"), " ", h("time", {}, new Date(entry._aws.Timestamp).toISOString().slice(11, 19)), " ", names.map((name) => `${name} ${[entry[name]].flat().join(" ")}`).join(", "));
  }
  const { level, message, timestamp, ...rest } = entry;
  for (const key of ["location", "service", "cold_start", "function_name", "function_memory_size", "function_arn", "xray_trace_id"]) delete rest[key];
  return h("li", { class: (level || "").toLowerCase() }, level && h("b", {}, level), level && " ", timestamp && h("time", {}, String(timestamp).slice(11, 19)), timestamp && " ", typeof message === "string" ? message : message && JSON.stringify(message), " ", Object.keys(rest).length > 0 && h("small", {}, JSON.stringify(rest)));
}
