// The desk's pages: the link from the terminal is exchanged for a token, which this origin keeps.

import { desk, h, sorry, useToken } from "./kit.js";
import { about } from "./stack.js";
import { route } from "./router.js";
import { search } from "./search.js";
import { history as ofCode } from "./history.js";
import { attention } from "./attention.js";
import { book, books } from "./books.js";
import { webhooks } from "./webhooks.js";

const KEPT = "desk-token";
const link = location.hash.slice(1);

async function open() {
  if (link && !link.startsWith("/") && link !== "view") {
    history.replaceState(null, "", "/");
    const { token } = await desk("POST", "/session", { link });
    localStorage.setItem(KEPT, token);
  }
  useToken(localStorage.getItem(KEPT) || "");
  const { stack, write } = await about();
  document.getElementById("stack").textContent = stack || "the local stack";
  const mode = document.getElementById("mode");
  mode.textContent = write ? "can change" : "only reads";
  mode.title = write ? "Each change is recorded in the audit." : "Started without --write.";
  mode.classList.add(write ? "wait" : "active");
  document.title = `O2O desk · ${stack || "local"}`;
  route({ search, code: ofCode, attention, books: [books, book], webhooks }, "search", `O2O desk · ${stack || "local"}`);
}

open().catch((error) => {
  document.getElementById("view").replaceChildren(h("h1", {}, "The desk is closed"), sorry(error));
});
