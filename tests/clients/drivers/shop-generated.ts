// A shop on the client that openapi-generator (typescript-fetch) made.
import { createInterface } from "node:readline";
import {
  Channel,
  Configuration,
  EventsApi,
  PaymentCodesApi,
  ResponseError,
  type Event,
  type EventPayment,
  type Payment,
  type PaymentCode,
  type Problem,
  type Refund,
} from "./client/index.js";

const configuration = new Configuration({
  basePath: process.env.O2O_URL ?? "",
  accessToken: process.env.O2O_KEY ?? "",
});
const codes = new PaymentCodesApi(configuration);
const events = new EventsApi(configuration);

const instant = (value: Date | null | undefined): number | null =>
  value == null ? null : Math.floor(value.getTime() / 1000);

const ofRefund = (refund: Refund | null | undefined) =>
  refund == null ? null : { amount: refund.amount };

const ofPayment = (payment: Payment | EventPayment) => ({
  kind: payment.kind,
  amount: payment.amount,
  currency: payment.currency ?? null,
  paid_at: instant(payment.paidAt),
  recorded_at: instant(payment.recordedAt),
  source: payment.source ?? null,
  agent_id: payment.agentId ?? null,
  receipt_number: payment.receiptNumber,
});

const ofCode = (code: PaymentCode) => ({
  invoice_number: code.invoiceNumber,
  status: code.status,
  amount: code.amount,
  customer: code.customer?.name ?? null,
  paid_at: instant(code.paidAt),
  refund: ofRefund(code.refund),
  payments: code.payments.map(ofPayment),
  payments_complete: code.paymentsComplete,
  sequence: code.sequence,
});

const ofEvent = (event: Event) => ({
  id: event.id,
  type: event.type,
  timestamp: instant(event.timestamp),
  delivery: event.delivery.status,
  status: event.data.status,
  amount: event.data.amount,
  refund: ofRefund(event.data.refund),
  payment: event.data.payment === null ? null : ofPayment(event.data.payment),
});

type Order = { do: string; invoice_number: string; amount: number; event_id: string };

async function answer(order: Order): Promise<unknown> {
  const invoiceNumber = order.invoice_number;
  switch (order.do) {
    case "create":
      return ofCode(
        await codes.createPaymentCode({
          paymentCodeRequest: {
            invoiceNumber,
            amount: order.amount,
            channel: Channel.Alfa,
            customer: { name: "Anton Budiman" },
          },
        }),
      );
    case "read":
      try {
        return ofCode(await codes.getPaymentCode({ invoiceNumber }));
      } catch (error) {
        if (!(error instanceof ResponseError)) throw error;
        const problem = (await error.response.json()) as Problem;
        return { problem: problem.type, status: problem.status };
      }
    case "payments":
      return (await codes.listPayments({ invoiceNumber })).items.map(ofPayment);
    case "codes":
      return (await codes.listPaymentCodes({ limit: 100 })).items.map(ofCode);
    case "channels":
      return (await codes.listChannels()).items.map((each) => [
        each.channel,
        each.minAmount,
        each.maxAmount,
        each.features,
      ]);
    case "events":
      return (await events.listEvents({ limit: 100 })).items.map(ofEvent);
    case "event":
      return ofEvent(await events.getEvent({ eventId: order.event_id }));
    default:
      return (
        await events.redeliverEvents({ redeliveryRequest: { eventIds: [order.event_id] } })
      ).count;
  }
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await answer(JSON.parse(line) as Order)));
