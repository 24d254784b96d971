// Create a payment code and wait until the customer can go:
//
//     node create-code.mjs INVOICE_NUMBER AMOUNT
//
// Needs Node 18 or newer; O2O_URL and O2O_KEY in the environment.

import { setTimeout as sleep } from "node:timers/promises";

const { O2O_URL, O2O_KEY, O2O_MAX_WAIT = "60" } = process.env;
const [invoiceNumber, amount] = [process.argv[2], Number(process.argv[3])];
if (!O2O_URL || !O2O_KEY || !invoiceNumber || !amount) {
  console.error("Set O2O_URL and O2O_KEY, and give an order: create-code.mjs INVOICE_NUMBER AMOUNT");
  process.exit(1);
}
const ATTEMPTS = 5;
// Worth another try; the invoice number is the idempotency key, so it is safe.
const AGAIN = new Set([429, 500, 503]);

/** A problem document. Decide by its `type`, which is stable. */
class Refused extends Error {
  constructor(problem) {
    super(`${problem.type}: ${problem.detail ?? problem.title}`);
    this.type = problem.type;
  }
}

/** Send a request, again if the answer says so or none came. Throws Refused. */
async function ask(method, path, body) {
  for (let attempt = 1; ; attempt += 1) {
    let answer;
    try {
      answer = await fetch(O2O_URL + path, {
        method,
        headers: { Authorization: `Bearer ${O2O_KEY}`, "Content-Type": "application/json" },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(35_000),
      });
    } catch (error) {
      if (attempt === ATTEMPTS) throw new Error(`No answer from ${O2O_URL}.`, { cause: error });
      await pause(2 ** attempt);
      continue;
    }
    if (answer.ok) return { answer, code: await answer.json() };
    const problem = await answer.json();
    const again = AGAIN.has(answer.status) || problem.type === "/problems/concurrent-update";
    if (!again || attempt === ATTEMPTS) throw new Refused(problem);
    await pause(answer.headers.get("Retry-After") ?? 2 ** attempt);
  }
}

/** Wait so many seconds. */
async function pause(seconds) {
  await sleep(1000 * Math.min(Number(seconds), Number(O2O_MAX_WAIT)));
}

/** The payment code of this invoice number: a new one, or the one that it has already. */
async function createCode(invoiceNumber, amount) {
  let { answer, code } = await ask("POST", "/payment-codes", {
    invoice_number: invoiceNumber,
    amount,
    channel: "alfa",
    customer: { name: "Anton Budiman" },
  });
  // 202: DOKU has not answered clearly yet. The code is finished by itself: read it until it is.
  while (code.status === "requested") {
    await pause(answer.headers.get("Retry-After") ?? 2);
    ({ answer, code } = await ask("GET", `/payment-codes/${invoiceNumber}`));
  }
  return code;
}

try {
  const code = await createCode(invoiceNumber, amount);
  console.log(code.invoice_number, code.status, code.payment_code, code.amount);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
