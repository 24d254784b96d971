// What the views share: elements, requests, formatting and polling.

/** Creates an element. Strings become text nodes, never markup. */
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replaces an element's content if `state` has changed. Open details and the focus are kept. */
export function refresh(element, state, build) {
  const mark = JSON.stringify(state);
  if (element.dataset.mark === mark) return;
  const open = [...element.querySelectorAll("details[open][id]")].map((each) => each.id);
  const focused = element.contains(document.activeElement) && document.activeElement.id;
  element.replaceChildren(...[build()].flat());
  element.dataset.mark = mark;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus();
}

// --- requests --------------------------------------------------------------------------------

/** An error response. `fields` has the name and the reason of each invalid field. */
export class Refused extends Error {
  constructor(answer) {
    const body = answer.body || {};
    super(body.detail || body.error || body.title || body.message || `The response status was ${answer.status}.`);
    this.title = body.title || "";
    this.answer = answer;
    this.fields = body.invalid_params || [];
  }
}

let token = "";
/** Sends this token with every request from now on. */
export const useToken = (given) => { token = given; };

/** Resolves to the response, whatever its status. Throws Refused only if there is none. */
export async function send(method, path, body) {
  const started = performance.now();
  let answer, text;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        ...(method === "GET" ? {} : { "Content-Type": "application/json" }),
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await answer.text();
  } catch {
    throw new Refused({ status: 0, body: { error: `The ${DESK ? "desk" : "stack"} is not responding. Is it still running?` } });
  }
  let parsed = text;
  try { parsed = JSON.parse(text); } catch { /* plain text, or empty */ }
  return { status: answer.status, ok: answer.ok, headers: answer.headers, body: parsed, ms: Math.round(performance.now() - started) };
}

async function ask(method, path, body) {
  const answer = await send(method, path, body);
  if (!answer.ok) throw new Refused(answer);
  return answer.body;
}

/** Where the desk's own page has its JSON; the console has it behind its own server. */
const DESK = document.documentElement.dataset.desk || "";
export const API = "/_local/api";
export const api = (method, path, body) => ask(method, API + path, body);
export const doku = (method, path, body) => ask(method, "/_local/doku" + path, body);
export const local = (method, path, body) => ask(method, "/_local" + path, body);
export const desk = (method, path, body) => ask(method, (DESK || "/_local/desk") + path, body);
export const codePath = (invoice) => "/payment-codes/" + encodeURIComponent(invoice);

/** Runs `work` now and every `seconds` until the view is left; pauses while the tab is hidden. */
export function watch(signal, seconds, work) {
  let timer;
  const again = async () => {
    clearTimeout(timer);
    if (signal.aborted) return;
    if (!document.hidden) await work();
    if (!signal.aborted) timer = setTimeout(again, seconds * 1000);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); }, { signal });
  window.addEventListener("moved", again, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  return again();
}

/** Runs a button's work: disables the button meanwhile, and shows an error in `problem`. */
export async function busy(button, problem, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  problem?.replaceChildren();
  try { return await work(); } catch (error) {
    if (!problem) throw error;
    problem.replaceChildren(sorry(error));
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

export const sorry = (error) => {
  if (!(error instanceof Refused)) console.error(error);
  return h("p", { class: "sorry", role: "alert" },
    error.title && error.title !== error.message ? [h("strong", {}, error.title), h("br")] : null, error.message);
};

let toastTimer;
export function toast(sentence) {
  const note = document.getElementById("toast");
  note.textContent = sentence;
  note.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { note.hidden = true; }, 4000);
}

// --- labels and formats ----------------------------------------------------------------------

export const channelName = (channel) => channel.charAt(0).toUpperCase() + channel.slice(1);
export const FEATURES = {
  dgpc: "DOKU generates the code",
  mgpc: "The shop generates the code",
  dipc: "DOKU asks the shop at payment",
};
export const STATUSES = ["requested", "active", "paid", "expired", "cancelled", "failed"];

export const rupiah = (amount) => "Rp" + Number(amount).toLocaleString("id-ID");
export const grouped = (digits) => (digits || "").replace(/(.{4})(?=.)/g, "$1 ");
const short = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Jakarta", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const long = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Jakarta", weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const when = (text) => text
  ? h("time", { datetime: text, title: `${long.format(new Date(text))} WIB, ${new Date(text).toISOString().slice(0, 19)}Z` }, short.format(new Date(text)))
  : "–";
export const fully = (text) => h("time", { datetime: text, title: new Date(text).toISOString().slice(0, 19) + "Z" }, long.format(new Date(text)) + " WIB");

/** The value of a `datetime-local` field, which is in WIB, as an RFC 3339 instant. */
export const fromField = (value) => value && `${value.length === 16 ? value + ":00" : value}+07:00`;

const chip = (status, late) => h("span", { class: "chip " + (late ? "late" : status) }, late ? "paid late" : status);
export const statusOf = (code) => chip(code.status, code.status === "paid" && code.late);

export const json = (value) => JSON.stringify(value, null, 2);
export const raw = (id, title, value) => h("details", { id, class: "raw" },
  h("summary", {}, title), h("pre", { tabindex: "0" }, typeof value === "string" ? value : json(value)));

export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(Boolean).filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

export function copyButton(text, what) {
  return h("button", { type: "button", class: "small quiet", "aria-label": `Copy ${what}`, onclick: async () => {
    await navigator.clipboard.writeText(text);
    toast(`Copied: ${what}`);
  } }, "Copy");
}

/** A labelled field, with room below for a hint or the API's error. */
export function field(label, control, hint) {
  const name = control.getAttribute("name");
  control.id ||= "f-" + name;
  const note = h("small", { id: control.id + "-note", class: "note" }, hint || "");
  note.dataset.hint = hint || "";
  control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}
export const input = (name, attributes) => h("input", { name, autocomplete: "off", spellcheck: "false", ...attributes });
export const select = (name, options, chosen) => h("select", { name },
  options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));

export function showFieldProblems(form, fields) {
  for (const note of form.querySelectorAll(".note")) {
    note.textContent = note.dataset.hint || "";
    note.classList.remove("wrong");
  }
  for (const control of form.elements) control.removeAttribute("aria-invalid");
  let first = null;
  for (const { name, reason } of fields) {
    const control = form.elements.namedItem(name);
    if (!(control instanceof HTMLElement)) continue;
    control.setAttribute("aria-invalid", "true");
    const note = document.getElementById(control.getAttribute("aria-describedby"));
    if (note) { note.textContent = reason; note.classList.add("wrong"); }
    for (let fold = control.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    first ||= control;
  }
  first?.focus();
}

export const dokuStates = { delivered: "good", pending: "wait", lost: "bad", "given up": "bad" };
