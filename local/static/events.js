// The storefront's events, and the webhooks that arrive at the console.

import { api, busy, field, h, local, raw, refresh, select, sorry, toast, watch, when } from "./kit.js";

const TYPES = ["activated", "paid", "paid_late", "paid_again", "amount_mismatch", "digits_mismatch", "expired", "cancelled", "failed"];
const ANSWERS = [["200", "200, success"], ["500", "500, an error"], ["302", "302, a redirect"], ["410", "410, gone for good"]];
const TONES = { delivered: "good", pending: "wait", dead: "bad", paused: "bad" };

/** A chip with the status of an event's delivery to the storefront; null without one. */
export function deliveries(event) {
  const { status = "", attempts = [] } = event.delivery || {};
  if (!status) return null;
  const tries = attempts.length > 1 ? ` · ${attempts.length} attempts` : "";
  return h("span", { class: "chip " + (TONES[status] || "") }, status.replace("_", " ") + tries);
}

export async function events(root, { query, signal }) {
  const type = select("type", [["", "any type"], ...TYPES.map((each) => ["payment_code." + each, each])], query.get("type") || "");
  const answer = select("answer", ANSWERS, String((await local("GET", "/webhooks")).answer));
  const [feed, arrived, problem] = Array.from({ length: 3 }, () => h("div"));
  type.addEventListener("change", () => { location.hash = "#/events" + (type.value ? "?type=" + type.value : ""); });
  answer.addEventListener("change", async () => {
    const status = Number(answer.value);
    try { await local("POST", "/webhooks/answer", { status }); toast(`The shop now answers ${status}.`); } catch (error) { toast(error.message); }
  });

  const redeliver = (event) => (click) => busy(click.currentTarget, problem, async () => {
    await api("POST", "/events/redeliver", { event_ids: [event.id] });
    toast("The event is being delivered again.");
  });
  const sent = (event) => h("li", { "data-event": event.id },
    h("p", { class: "row spread" }, h("b", {}, event.type.replace("payment_code.", "")), h("span", { class: "row" }, deliveries(event),
      h("button", { type: "button", class: "small quiet", id: "again-" + event.id, onclick: redeliver(event) }, "Deliver again"))),
    h("p", { class: "hint" }, when(event.timestamp), " · ", h("a", { href: "#/codes/" + encodeURIComponent(event.data.invoice_number) }, event.data.invoice_number)),
    (event.delivery?.attempts || []).map((attempt) => h("p", { class: "hint" }, when(attempt.at), ` · ${attempt.status_code ?? attempt.error} · ${attempt.duration_ms} ms`)),
    raw("raw-" + event.id, event.id, event));
  const received = (hook) => h("li", { "data-webhook": hook.number },
    h("p", { class: "row spread" }, h("b", {}, (hook.body?.type || "no event").replace("payment_code.", "")), h("span", { class: "chip " + (hook.verified ? "good" : "bad") }, hook.verified ? "signature verified" : "rejected")),
    h("p", { class: "hint" }, when(hook.received_at), ` · answered ${hook.answered}`, hook.body?.data?.invoice_number && [" · ", h("a", { href: "#/codes/" + encodeURIComponent(hook.body.data.invoice_number) }, hook.body.data.invoice_number)]),
    hook.problem && h("p", { class: "sorry" }, hook.problem),
    raw("hook-" + hook.number, hook.headers["webhook-id"] || "no webhook-id", hook));

  root.append(
    h("div", { class: "head" }, h("h1", {}, "Events"), h("p", {}, "Events for the storefront, and the webhooks that arrive.")), problem,
    h("div", { class: "split even" },
      h("section", {}, h("div", { class: "row spread" }, h("h2", {}, "Events of the API"), field("Type", type)), feed),
      h("section", {}, h("div", { class: "row spread" }, h("h2", {}, "Webhooks at the shop"), field("The shop answers", answer)), arrived)));
  const path = "/events?limit=50" + (type.value ? "&type=" + encodeURIComponent(type.value) : "");
  await watch(signal, 2, async () => {
    const [list, hooks] = await Promise.all([api("GET", path).catch((error) => error), local("GET", "/webhooks").catch((error) => error)]);
    if (signal.aborted) return;
    refresh(feed, list instanceof Error ? String(list) : list, () => list instanceof Error
      ? h("p", { class: "empty" }, "The events can’t be loaded: ", list.message)
      : list.items.length === 0 ? h("p", { class: "empty" }, "No events yet.") : h("ul", { class: "steps card" }, list.items.map(sent)));
    refresh(arrived, hooks instanceof Error ? String(hooks) : hooks.items, () => hooks instanceof Error ? sorry(hooks)
      : hooks.items.length === 0 ? h("p", { class: "empty" }, "No webhooks since the stack started.") : h("ul", { class: "steps card" }, hooks.items.map(received)));
  });
}
