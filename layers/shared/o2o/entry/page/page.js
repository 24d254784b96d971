(() => {
  const find = (selector) => document.querySelector(selector);
  const news = find("#news");
  const stale = find("#stale");
  let main = find("main[data-seen]");
  let known, ticked, pause, timer, second, asking, settled, inquired;
  if (!main) return;

  // The server's clock: the phone's may be wrong by hours. While the phone sleeps, one of its
  // clocks may stand still; the other may be set. The one that went further counts.
  function sync(now) {
    known = { now, ran: performance.now(), date: Date.now() };
    ticked = now;
  }
  const now = () => known.now + Math.max(performance.now() - known.ran, Date.now() - known.date);
  const pace = () => (main.dataset.pace || "").split(" ").map(Number);
  const two = (number) => String(number).padStart(2, "0");
  const lookIn = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(look, milliseconds);
  };

  // Every look costs.
  function lookLater() {
    if (!main.dataset.pace) return;
    lookIn(pause);
    pause = Math.min(pause * 2, pace()[1]);
  }

  function count() {
    clearTimeout(second);
    const shown = find("[data-until]");
    if (!shown) return;
    const left = shown.dataset.until - now();
    if (left <= 0) return close();
    // No second is that long: the phone slept, and not every phone tells.
    if (now() - ticked > 5000) lookIn(0);
    ticked = now();
    const all = Math.ceil(left / 1000);
    const days = Math.floor(all / 86400);
    shown.textContent = (days ? `${days} ${shown.dataset.days} ` : "") +
      [all / 3600 % 24, all / 60 % 60, all % 60].map((part) => two(Math.floor(part))).join(":");
    shown.parentElement.hidden = false;
    shown.parentElement.classList.toggle("soon", all <= 600);
    second = setTimeout(count, left % 1000 || 1000);
  }

  // The time is over: the code goes, whether the server can be reached or not.
  function close() {
    const over = find("#over");
    const fresh = main.cloneNode();
    fresh.className = "";
    fresh.dataset.seen = main.dataset.seen.replace("active", "closing");
    find("footer > p").remove();
    fresh.append(over.content, find("footer"));
    put(fresh, over.dataset.title);
    lookIn(0);
  }

  function put(fresh, name) {
    const focused = main.contains(document.activeElement);
    main.replaceWith(fresh);
    main = fresh;
    document.title = name;
    start();
    const title = find("h1");
    news.textContent = title.textContent;
    if (focused) title.focus();
  }

  // Take what the server shows now in place of what stands here.
  async function change(get) {
    const answer = await get(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main[data-seen]");
    if (!fresh) throw new Error("no page");
    sync(Number(fresh.dataset.now));
    put(fresh, page.title);
  }

  async function look() {
    clearTimeout(timer);
    if (asking) asking.abort();
    if (document.hidden || !main.dataset.pace) return;
    const mine = asking = new AbortController();
    const limit = setTimeout(() => mine.abort(), 10000);
    const get = (address) => fetch(address, { cache: "no-store", signal: mine.signal });
    try {
      // As people pass the address on, it may end with a slash.
      const answer = await get(location.pathname.replace(/\/*$/, "/status"));
      if (answer.ok) {
        const status = await answer.json();
        sync(Date.parse(status.now));
        const asked = status.inquired_at || "";
        if (asked > inquired) [pause] = pace();
        inquired = asked;
        if (`${status.state} ${status.payments_count}` !== main.dataset.seen) await change(get);
        else count();
      } else if (answer.status === 404) await change(get);
      else throw new Error("no answer");
      if (!stale.hidden) [pause] = pace();
      doubt(false);
    } catch {
      if (asking !== mine) return;
      doubt(true);
    } finally {
      clearTimeout(limit);
    }
    lookLater();
  }

  // Say that what stands here may not be so any more.
  function doubt(doubtful) {
    if (stale.hidden !== doubtful) return;
    stale.hidden = !doubtful;
    if (doubtful) news.textContent = stale.textContent;
    else if (news.textContent === stale.textContent) news.textContent = "";
  }

  function start() {
    [pause] = pace();
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
    count();
  }

  // Whether the text is in the clipboard. Browsers inside messengers keep it to themselves, and
  // some never say so.
  async function copy(text) {
    try {
      await Promise.race([
        navigator.clipboard.writeText(text),
        new Promise((_, fail) => setTimeout(fail, 2000)),
      ]);
      return true;
    } catch {
      const digits = document.querySelectorAll(".code [aria-hidden]");
      if (!digits.length) return false;
      const selection = getSelection();
      selection.removeAllRanges();
      const range = document.createRange();
      range.setStartBefore(digits[0]);
      range.setEndAfter(digits[digits.length - 1]);
      selection.addRange(range);
      if (!document.execCommand("copy")) return false;
      selection.removeAllRanges();
      return true;
    }
  }

  // By hand, too, digits are copied without what sets them apart.
  document.addEventListener("copy", (event) => {
    const text = String(getSelection()).replace(/\s/g, "");
    if (!/^\d+$/.test(text)) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const { copy: digits, done, label } = button.dataset;
    const copied = await copy(digits);
    if (!button.isConnected) return;
    const hint = button.nextElementSibling;
    hint.hidden = copied;
    button.textContent = copied ? done : label;
    news.textContent = copied ? done : hint.textContent;
    clearTimeout(settled);
    settled = setTimeout(() => { button.textContent = label; news.textContent = ""; }, 2500);
  });

  function wake() {
    if (document.hidden || !main.dataset.pace) return;
    [pause] = pace();
    count();
    // Once, whatever number of ways a phone has to tell that it is awake.
    lookIn(50);
  }
  for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, wake);
  for (const name of ["focus", "online"]) addEventListener(name, wake);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  addEventListener("offline", () => { if (main.dataset.pace) doubt(true); });

  sync(Number(main.dataset.now));
  start();
  lookLater();
})();
