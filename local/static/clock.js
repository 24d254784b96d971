// The stack's clock in the header.

import { local, toast, watch } from "./kit.js";

const time = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Jakarta", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const date = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Jakarta", weekday: "long", day: "numeric", month: "long", year: "numeric" });
let ahead = null;

function ago(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const [unit, size] = units.find(([, each]) => seconds >= each) || units[3];
  return `+${Math.floor(seconds / size)} ${unit}`;
}

function set({ now, offset_seconds: offset }) {
  ahead = new Date(now) - Date.now();
  document.getElementById("clock-ahead").textContent = offset >= 1 ? ago(offset) : "";
  tick();
}

function tick() {
  if (ahead === null) return;
  const now = new Date(Date.now() + ahead);
  document.getElementById("clock-time").textContent = time.format(now) + " WIB";
  document.getElementById("clock-date").textContent = date.format(now);
}

/** Moves the clock forward and reports the result. */
export async function advance(seconds) {
  const result = await local("POST", "/clock", { advance_seconds: seconds });
  set(result);
  window.dispatchEvent(new Event("moved"));
  toast(result.failed_schedules.length
    ? `The clock moved; these schedules failed: ${result.failed_schedules.join(", ")}.`
    : `The clock moved forward by ${ago(seconds).slice(1)}.`);
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try { await advance(Number(button.dataset.advance)); } catch (error) { toast(error.message); }
    button.disabled = false;
    button.focus();
  });
}
const clock = document.getElementById("clock");
document.addEventListener("click", (event) => { if (!clock.contains(event.target)) clock.open = false; });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && clock.open) { clock.open = false; clock.firstElementChild.focus(); }
});
setInterval(tick, 1000);
watch(new AbortController().signal, 30, async () => { try { set(await local("GET", "/clock")); } catch (error) { toast(error.message); } });
