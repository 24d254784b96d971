// The console's pages.

import "./clock.js";
import { route } from "./router.js";
import { shop } from "./shop.js";
import { till } from "./till.js";
import { codes } from "./codes.js";
import { code } from "./code.js";
import { events } from "./events.js";
import { workshop } from "./workshop.js";
import { search } from "./search.js";
import { history } from "./history.js";
import { attention } from "./attention.js";
import { book, books } from "./books.js";

route({ shop, till, codes: [codes, code], events, workshop, search, code: history, attention, books: [books, book] }, "shop", "O2O console");
