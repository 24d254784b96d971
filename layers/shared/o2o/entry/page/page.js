(() => {
  const find = (selector) => document.querySelector(selector);
  const news = find("#news");
  let main = find("main[data-seen]");
  let drift, pause, timer, second;
  if (!main) return;

  // The server's clock: the phone's may be wrong by hours.
  const sync = (now) => { drift = now - performance.now(); };
  const now = () => drift + performance.now();
  const pace = () => (main.dataset.pace || "").split(" ").map(Number);

  const two = (number) => String(number).padStart(2, "0");

  function count() {
    clearTimeout(second);
    const shown = find("[data-until]");
    if (!shown) return;
    const left = Math.max(0, shown.dataset.until - now());
    const all = Math.ceil(left / 1000);
    const days = Math.floor(all / 86400);
    shown.textContent = (days ? `${days} ${shown.dataset.days} ` : "") +
      [all / 3600 % 24, all / 60 % 60, all % 60].map((part) => two(Math.floor(part))).join(":");
    shown.parentElement.hidden = false;
    shown.parentElement.classList.toggle("soon", all <= 600);
    if (left > 0) second = setTimeout(count, left % 1000 || 1000);
    else look();
  }

  // Take what the server shows now in place of what stands here.
  async function change() {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main[data-seen]");
    if (!answer.ok || !fresh) throw new Error("no page");
    const focused = main.contains(document.activeElement);
    main.replaceWith(fresh);
    main = fresh;
    document.title = page.title;
    start();
    const title = find("h1");
    news.textContent = title.textContent;
    if (focused) title.focus();
  }

  async function look() {
    clearTimeout(timer);
    if (document.hidden || !main.dataset.pace) return;
    try {
      const answer = await fetch(`${location.pathname}/status`, { cache: "no-store" });
      if (answer.status === 404) return;
      if (!answer.ok) throw new Error("no answer");
      const status = await answer.json();
      sync(Date.parse(status.now));
      if (`${status.state} ${status.payments_count}` !== main.dataset.seen) await change();
      else pause = Math.min(pause * 1.15, pace()[1]);
    } catch {
      pause = Math.min(pause * 2, 60000);
    }
    clearTimeout(timer);
    if (main.dataset.pace) timer = setTimeout(look, pause);
  }

  function start() {
    [pause] = pace();
    sync(Number(main.dataset.now));
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
    count();
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Browsers inside messengers keep the clipboard to themselves.
      const before = document.activeElement;
      const area = document.createElement("textarea");
      area.className = "unseen";
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      before.focus();
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    const label = button.textContent;
    if (label === button.dataset.done) return;
    button.textContent = news.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; news.textContent = ""; }, 2500);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    [pause] = pace();
    look();
  });

  start();
  timer = setTimeout(look, pause);
})();
