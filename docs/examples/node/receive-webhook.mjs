// Receive webhooks: verify each, answer at once, and do everything once.
//
//     node receive-webhook.mjs PORT
//
// Needs Node 18 or newer and the package standardwebhooks; O2O_WEBHOOK_SECRET (whsec_…) in the
// environment.

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.O2O_WEBHOOK_SECRET);
const seen = new Set(); // in your shop: a table with a unique key

const server = createServer(async (request, response) => {
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
  if (!seen.has(event.id)) { // the same event may come more than once
    seen.add(event.id);
    // Fulfil the order here, or better: put it on a queue.
    console.log(event.type, event.data.invoice_number, event.data.amount);
  }
  response.writeHead(204).end(); // any 2xx means: it has arrived
});

server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
