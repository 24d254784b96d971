// The books: closed days with a chart, and one day.

import { channelName, desk, facts, field, fully, h, rupiah, select, when } from "./kit.js";
import { KINDS, about, codeLink, load, storefrontMenu, storefrontOf } from "./stack.js";
import { address, visit } from "./router.js";

const MEASURES = {
  sum: ["Rupiah", (value) => rupiah(value), "taken"],
  payments: ["Payments", String, "payments"],
  codes: ["Codes", String, "codes made"],
  found: ["Found by status check", (value) => `${value} %`, "of the payments became known by a status check alone"],
};
const DIFFERENCES = {
  payment_without_code: "A payment without a code",
  payment_unknown_to_code: "A payment that its code does not count",
  payment_without_event: "A payment that its storefront was not told of",
  code_without_payment: "A code counts a payment that is not there",
  event_without_payment: "An event tells of a payment that is not there",
  message_without_payment: "DOKU signed that it was paid, and nothing shows it",
  message_unreadable: "An object of the archive is no message",
  messages_changed: "The archive lacks messages that it had",
  unmatched: "Money at DOKU without a code here",
  unreadable: "A message that nobody could read",
  older_order: "A payment that is older than its code",
  disputed: "DOKU says paid, and there is no payment",
};
const NOTED = {
  ended_unconfirmed: "ended, and DOKU never confirmed that they were not paid",
  ended_looked_at: "ended, and are still being asked about",
  ended_inquired: "ended unpaid after a till was told that it may take the money",
  ended_disputed: "ended, and DOKU says that they were paid",
  only_by_status_check: "payments of which no notification came",
  reusable_incomplete: "reusable codes of which some payments may be missing",
};
const dayName = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" });
const name = (day) => dayName.format(new Date(day + "T00:00:00Z"));
const share = (day) => day.payments ? Math.round((1000 * day.by_status_check) / day.payments) / 10 : 0;
const differences = (count) => h("span", { class: "chip " + (count ? "bad" : "good") }, count === 0 ? "agrees" : count === 1 ? "1 difference" : `${count} differences`);

export async function books(root, { query, signal }) {
  const known = await about();
  if (signal.aborted) return;
  const storefront = storefrontOf(query, known);
  const measure = MEASURES[query.get("measure")] ? query.get("measure") : "sum";
  const cursor = query.get("cursor") || "";
  const content = h("div", { class: "list" });
  const to = (fields) => address("books", [], { storefront, measure: measure === "sum" ? "" : measure, cursor, ...fields });
  root.append(
    h("div", { class: "head row spread end" }, h("div", {}, h("h1", {}, "Books"), h("p", {}, "Each day in WIB, closed 19 hours after its end and compared with what DOKU signed.")),
      storefrontMenu(known, storefront, (value) => visit(to({ storefront: value, cursor: "" })))), content);
  const asked = new URLSearchParams({ ...(storefront && { storefront }), ...(cursor && { cursor }) });
  await load(content, signal, () => desk("GET", "/books?" + asked), ({ days, next_cursor: next }) => days.length === 0
    ? h("p", { class: "empty card" }, "No day is closed yet. The first one is, 19 hours after it has ended.")
    : [chart([...days].reverse(), measure, (value) => visit(to({ measure: value === "sum" ? "" : value }))), table(days, storefront), h("nav", { class: "row spread", "aria-label": "Pages" },
      cursor ? h("a", { class: "button", href: to({ cursor: "" }) }, "← Newest") : h("span"), next ? h("a", { class: "button", href: to({ cursor: next }) }, "Older →") : h("span"))]);
}

const channelsOf = (days) => [...new Set(days.flatMap((day) => Object.keys(day.channels)))].sort();
const codesOf = (day, channel) => day.channels[channel]?.codes || 0;
const channelText = (channel) => channel ? channelName(channel) : "Unknown";

function table(days, storefront) {
  const channels = channelsOf(days);
  const numbers = ["Payments", "Rupiah", ...channels.map(channelText), "Codes", "By status check"];
  return h("table", { class: "cards" }, h("caption", { class: "away" }, "Closed days, the newest first"),
    h("thead", {}, h("tr", {}, ["Day", ...numbers, "Books"].map((each) => h("th", { scope: "col", class: numbers.includes(each) && "number" }, each)))),
    h("tbody", {}, days.map((day) => h("tr", { "data-day": day.day },
      h("th", { scope: "row", "data-name": "Day" }, h("a", { href: address("books", [day.day], { storefront }) }, name(day.day))),
      h("td", { class: "number", "data-name": "Payments" }, String(day.payments)),
      h("td", { class: "number", "data-name": "Rupiah" }, rupiah(day.sum)),
      channels.map((each) => h("td", { class: "number", "data-name": channelText(each) }, day.channels[each] ? [rupiah(day.channels[each].sum), h("small", { class: "hint" }, ` ${day.channels[each].payments}`)] : "–")),
      h("td", { class: "number", "data-name": "Codes" }, String(day.codes), channels.length > 1 && h("small", { class: "hint", title: channels.map((each) => `${channelText(each)} ${codesOf(day, each)}`).join(", ") }, ` ${channels.map((each) => codesOf(day, each)).join(" + ")}`)),
      h("td", { class: "number", "data-name": "By status check" }, day.by_status_check ? `${day.by_status_check} (${share(day)} %)` : "0"),
      h("td", { class: "wide" }, h("span", { class: "row" }, differences(day.differences), day.edition > 1 && h("span", { class: "chip" }, `edition ${day.edition}`)))))));
}

// --- the chart -------------------------------------------------------------------------------

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat());
  return element;
}

const [HEIGHT, RIGHT, TOP, BOTTOM, LETTER] = [230, 4, 10, 24, 6.6];
const SERIES = 4;

/** Each day's value, or its values by channel. */
function seriesOf(days, measure) {
  if (measure === "found") return [["Share", days.map(share)]];
  return channelsOf(days).map((channel) => [channelText(channel), days.map((day) => day.channels[channel]?.[measure] || 0)]);
}

/** A round number that is not below a value, and can be halved. */
function ceiling(value) {
  if (value <= 2) return 2;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 6, 8, 10].map((each) => each * size).find((each) => each >= value);
}

function chart(days, measure, choose) {
  const [, show, what] = MEASURES[measure];
  const series = seriesOf(days, measure);
  const totals = days.map((_, at) => series.reduce((sum, [, values]) => sum + values[at], 0));
  const top = ceiling(Math.max(...totals));
  const WIDTH = matchMedia("(max-width: 46rem)").matches ? 400 : 720; // its letters keep their size
  const LEFT = 12 + LETTER * show(top).length;
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const slot = (WIDTH - LEFT - RIGHT) / days.length;
  const bar = Math.min(slot * 0.7, 44);
  const every = Math.ceil((days.length * 60) / (WIDTH - LEFT));
  const bars = days.map((day, at) => {
    let below = 0;
    const x = LEFT + slot * at + (slot - bar) / 2;
    const told = `${name(day.day)}: ${show(totals[at])} ${what}${series.length > 1 ? ` (${series.map(([each, values]) => `${each} ${show(values[at])}`).join(", ")})` : ""}`;
    const parts = series.map(([, values], index) => {
      const rect = svg("rect", { x, width: bar, y: y(below + values[at]), height: Math.max(0, y(below) - y(below + values[at])), class: `series-${index % SERIES}` });
      below += values[at];
      return rect;
    });
    const label = (days.length - 1 - at) % every === 0 ? [svg("text", { x: x + bar / 2, y: HEIGHT - 6, "text-anchor": "middle" }, `${Number(day.day.slice(8))}.${Number(day.day.slice(5, 7))}.`)] : [];
    return svg("g", {}, svg("title", {}, told), svg("rect", { x: LEFT + slot * at, width: slot, y: TOP, height: HEIGHT - TOP - BOTTOM, class: "hover" }), parts, label);
  });
  const lines = [0, top / 2, top].map((value) => svg("g", { class: "line" }, svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }), svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, show(value))));
  const summary = `${days.length} days from ${name(days[0].day)} to ${name(days.at(-1).day)}: ${measure === "found" ? `at most ${show(Math.max(...totals))}` : show(totals.reduce((sum, each) => sum + each, 0))} ${what}. The table has the numbers.`;
  const menu = h("fieldset", { class: "row choice" }, h("legend", { class: "away" }, "What the chart shows"), Object.entries(MEASURES).map(([value, [text]]) => h("label", { class: "pick" },
    h("input", { type: "radio", name: "measure", id: "measure-" + value, value, checked: value === measure, onchange: () => choose(value) }), text)));
  const legend = series.length > 1 && h("p", { class: "row legend" }, series.map(([text], index) => h("span", {}, h("i", { class: `series-${index % SERIES}` }), text)));
  return h("section", { class: "card chart" }, h("div", { class: "row spread" }, menu, legend), svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary }, lines, bars));
}

// --- one day ---------------------------------------------------------------------------------

export async function book(root, { rest: [day], query, signal }) {
  const known = await about();
  if (signal.aborted) return;
  const [storefront, edition] = [storefrontOf(query, known), query.get("edition") || ""];
  const content = h("div");
  const to = (fields) => visit(address("books", [day], { storefront, edition, ...fields }));
  root.append(h("div", { class: "head row spread end" },
    h("div", {}, h("p", { class: "crumb" }, h("a", { href: address("books", [], { storefront }) }, "Books")), h("h1", {}, name(day))),
    storefrontMenu(known, storefront, (value) => to({ storefront: value, edition: "" }))), content);
  const asked = new URLSearchParams({ ...(storefront && { storefront }), ...(edition && { edition }) });
  await load(content, signal, () => desk("GET", `/books/${encodeURIComponent(day)}?` + asked), (closed) => h("div", { class: "split even" },
    h("div", {}, sums(closed), counted(closed.book), proof(closed, to)), h("div", {}, disagreements(closed, storefront), noted(closed.book, storefront))));
}

const sums = (closed) => h("section", { class: "card" }, h("p", { class: "row spread" }, h("b", {}, `${closed.payments} payments`), differences(closed.differences)), h("p", { class: "sum" }, rupiah(closed.sum)),
  closed.book.totals.by.length > 0 && h("table", { class: "plain" }, h("caption", { class: "away" }, "By channel and kind"),
    h("thead", {}, h("tr", {}, ["Channel", "Kind", "Payments", "Sum"].map((each, at) => h("th", { scope: "col", class: at > 1 && "number" }, each)))),
    h("tbody", {}, closed.book.totals.by.map((row) => h("tr", {}, h("th", { scope: "row" }, channelText(row.channel)), h("td", {}, KINDS[row.kind] || row.kind), h("td", { class: "number" }, String(row.count)),
      h("td", { class: "number" }, row.currency === "IDR" ? rupiah(row.sum) : `${row.currency} ${row.sum}`))))));

function counted({ codes, events, storefronts }) {
  const list = (counts) => Object.entries(counts).map(([word, count]) => `${count} ${word.replaceAll("_", " ")}`).join(", ") || "none";
  if (!codes) return storefronts && h("section", { class: "card" }, h("h2", {}, "Storefronts"), facts(Object.entries(storefronts).map(([id, { totals }]) => [id, `${rupiah(totals.sum)} · ${totals.count} payments`])));
  return h("section", { class: "card" }, h("h2", {}, "Codes and events"), facts([["Codes made", list(codes.created)], ["Codes ended", list(codes.ended)], ["Events", list(events)]]));
}

const proof = (closed, to) => {
  const edition = select("edition", Array.from({ length: closed.editions }, (_, at) => [String(at + 1), `${at + 1}`]), String(closed.edition));
  edition.addEventListener("change", () => to({ edition: edition.value === String(closed.editions) ? "" : edition.value }));
  return h("section", { class: "card" }, h("h2", {}, "Edition and proof"), closed.editions > 1 && field("Edition", edition, "What came late closed the day again; the former ones stay."),
    facts([["Closed", fully(closed.closed_at)], ["Edition", `${closed.edition} of ${closed.editions}`], ["Root of DOKU’s messages", h("code", {}, closed.messages_root)],
      ["Of the day before", closed.previous_root && h("code", {}, closed.previous_root)], ["SHA-256 of the file", h("code", {}, closed.sha256)]]));
};

/** A link to the code that a line of the book names; a storefront's book has its own numbers. */
const whose = (each, storefront) => each.order_number ? codeLink(each.order_number)
  : each.invoice_number ? h("a", { href: address("search", [], { text: each.invoice_number, storefront }) }, each.invoice_number) : "";

const disagreements = (closed, storefront) => h("section", { class: "card" }, h("h2", {}, "Differences"),
  closed.differences === 0 ? h("p", { class: "empty" }, "Codes, payments, events and DOKU’s messages agree.")
    : [h("ul", { class: "steps" }, closed.book.differences.map((each) => h("li", {}, h("p", {}, h("b", {}, DIFFERENCES[each.kind] || each.kind)),
      h("p", { class: "hint" }, whose(each, storefront), each.payment && ` · payment ${each.payment}`, each.event_id && [" · ", h("code", {}, each.event_id)], each.message && [" · ", h("code", {}, each.message)])))),
    closed.differences > closed.book.differences.length && h("p", { class: "hint" }, "The file of the book has all of them.")]);

function noted({ noted: lists }, storefront) {
  const filled = Object.entries(lists || {}).filter(([, each]) => each.count > 0);
  return filled.length > 0 && h("section", { class: "card" }, h("h2", {}, "Worth a look"), h("p", { class: "hint" }, "No differences, but not plain either."),
    filled.map(([kind, { count, items }]) => h("details", { class: "raw", id: "noted-" + kind }, h("summary", {}, `${count} ${NOTED[kind] || kind}`), h("ul", {}, items.map((each) => h("li", {}, whose(each, storefront), each.payment && ` · payment ${each.payment}`))))));
}
