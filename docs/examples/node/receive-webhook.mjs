// Receive webhooks: verify each, enter it into the books once, then answer.
//
//     node receive-webhook.mjs PORT
//
// Needs Node 18 or newer and the package standardwebhooks; in the environment O2O_WEBHOOK_SECRET
// (whsec_…) and O2O_BOOKS, a folder for the books.

import { randomUUID } from "node:crypto";
import { link, open, unlink } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";

const { O2O_WEBHOOK_SECRET, O2O_BOOKS } = process.env;
const port = Number(process.argv[2]);
if (!O2O_WEBHOOK_SECRET || !O2O_BOOKS || !port) {
  console.error("Set O2O_WEBHOOK_SECRET and O2O_BOOKS, and give a port: receive-webhook.mjs PORT");
  process.exit(1);
}
const webhook = new Webhook(O2O_WEBHOOK_SECRET);

// Money that came in another way than the shop expects, or went back.
const FOR_A_PERSON = new Set([
  "payment_code.paid_late",
  "payment_code.paid_again",
  "payment_code.amount_mismatch",
  "payment_code.digits_mismatch",
  "payment.refunded",
]);

/** What belongs in the books. Other types, also those to come, are nothing to this shop. */
function entryOf({ type, data: code }) {
  const told = `${type} ${code.invoice_number}`;
  if (type === "payment_code.paid") {
    const { certain, had_ended: hadEnded, amount } = code.payment;
    // Compare it with the order's amount, too: the order is yours.
    if (certain && !hadEnded && amount === code.amount) return `credit ${told} ${amount}`;
    return `review ${told}`;
  }
  return FOR_A_PERSON.has(type) ? `review ${told}` : null;
}

/**
 * Write the entry and that the event is handled, in one step: both happen or neither.
 *
 * In your shop: one transaction that inserts the event's id under a unique key and does the work.
 * A mark before the work loses a payment if the program ends in between; one after it pays twice.
 */
async function enter(eventId, entry) {
  const fresh = join(O2O_BOOKS, `.${randomUUID()}`);
  const file = await open(fresh, "wx");
  try {
    await file.writeFile(`${entry}\n`);
    await file.sync();
    await link(fresh, join(O2O_BOOKS, eventId));
    console.log(entry);
  } catch (error) {
    if (error.code !== "EEXIST") throw error; // the same event again, or twice at once
  } finally {
    await file.close();
    await unlink(fresh);
  }
}

const server = createServer(async (request, response) => {
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let event;
    try {
      // Over the bytes as they came, not over JSON that was read and written again.
      event = webhook.verify(Buffer.concat(chunks).toString("utf8"), request.headers);
    } catch {
      response.writeHead(400).end();
      return;
    }
    const entry = entryOf(event);
    if (entry) await enter(event.id, entry);
    response.writeHead(204).end(); // any 2xx means: it is on record here
  } catch (error) {
    console.error(error.message);
    response.writeHead(500).end(); // it will be sent again
  }
});

server.listen(port, "127.0.0.1", () => console.log("listening"));
