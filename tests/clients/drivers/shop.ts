// A shop on the types that openapi-typescript made, with openapi-fetch.
import createClient from "openapi-fetch";
import { createInterface } from "node:readline";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];

const key = process.env.O2O_KEY;
const client = createClient<paths>({
  baseUrl: process.env.O2O_URL ?? "",
  headers: { Authorization: `Bearer ${key}` },
});

const instant = (value: string | null | undefined): number | null =>
  value == null ? null : Math.floor(Date.parse(value) / 1000);

const ofRefund = (refund: Schemas["Refund"] | null | undefined) =>
  refund == null ? null : { amount: refund.amount };

const ofPayment = (payment: Schemas["Payment"] | Schemas["EventPayment"]) => ({
  kind: payment.kind,
  amount: payment.amount,
  currency: payment.currency ?? null,
  paid_at: instant(payment.paid_at),
  recorded_at: instant(payment.recorded_at),
  source: payment.source ?? null,
  agent_id: payment.agent_id ?? null,
  receipt_number: payment.receipt_number,
});

const ofCode = (code: Schemas["PaymentCode"]) => ({
  invoice_number: code.invoice_number,
  status: code.status,
  amount: code.amount,
  customer: code.customer?.name ?? null,
  paid_at: instant(code.paid_at),
  refund: ofRefund(code.refund),
  payments: code.payments.map(ofPayment),
  payments_complete: code.payments_complete,
  sequence: code.sequence,
});

const ofEvent = (event: Schemas["Event"]) => ({
  id: event.id,
  type: event.type,
  timestamp: instant(event.timestamp),
  delivery: event.delivery.status,
  status: event.data.status,
  amount: event.data.amount,
  refund: ofRefund(event.data.refund),
  payment: event.data.payment === null ? null : ofPayment(event.data.payment),
});

function found<Data>(answer: { data?: Data; error?: unknown }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

type Order = { do: string; invoice_number: string; amount: number; event_id: string };

async function answer(order: Order): Promise<unknown> {
  const path = { invoice_number: order.invoice_number };
  switch (order.do) {
    case "create":
      return ofCode(
        found(
          await client.POST("/payment-codes", {
            body: {
              invoice_number: order.invoice_number,
              amount: order.amount,
              channel: "alfa",
              customer: { name: "Anton Budiman" },
            },
          }),
        ),
      );
    case "read": {
      const answer = await client.GET("/payment-codes/{invoice_number}", { params: { path } });
      if (answer.error !== undefined)
        return { problem: answer.error.type, status: answer.error.status };
      return ofCode(answer.data);
    }
    case "payments":
      return found(
        await client.GET("/payment-codes/{invoice_number}/payments", { params: { path } }),
      ).items.map(ofPayment);
    case "codes":
      return found(
        await client.GET("/payment-codes", { params: { query: { limit: 100 } } }),
      ).items.map(ofCode);
    case "channels":
      return found(await client.GET("/channels")).items.map((each) => [
        each.channel,
        each.min_amount,
        each.max_amount,
        each.features,
      ]);
    case "events":
      return found(await client.GET("/events", { params: { query: { limit: 100 } } })).items.map(
        ofEvent,
      );
    case "event":
      return ofEvent(
        found(
          await client.GET("/events/{event_id}", {
            params: { path: { event_id: order.event_id } },
          }),
        ),
      );
    default:
      return found(
        await client.POST("/events/redeliver", { body: { event_ids: [order.event_id] } }),
      ).count;
  }
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await answer(JSON.parse(line) as Order)));
