<?php
// A shop on the client that openapi-generator (php) made.
declare(strict_types=1);

use O2O\Client\Api\EventsApi;
use O2O\Client\Api\PaymentCodesApi;
use O2O\Client\ApiException;
use O2O\Client\Configuration;
use O2O\Client\Model\Channel;
use O2O\Client\Model\CustomerRequest;
use O2O\Client\Model\Event;
use O2O\Client\Model\EventPayment;
use O2O\Client\Model\Payment;
use O2O\Client\Model\PaymentCode;
use O2O\Client\Model\PaymentCodeRequest;
use O2O\Client\Model\RedeliveryRequest;
use O2O\Client\Model\Refund;

require 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    if (str_starts_with($class, 'O2O\\Client\\')) {
        require __DIR__ . '/client/lib/' . strtr(substr($class, strlen('O2O\\Client\\')), '\\', '/') . '.php';
    }
});
// A warning of the client's is a mistake in it, or in the document that it was made of.
error_reporting(E_ALL & ~E_DEPRECATED);
set_error_handler(function (int $number, string $message, string $file, int $line): bool {
    if (error_reporting() & $number) {
        throw new ErrorException($message, 0, $number, $file, $line);
    }
    return true;
});

$configuration = (new Configuration())->setHost(getenv('O2O_URL'))->setAccessToken(getenv('O2O_KEY'));
$codes = new PaymentCodesApi(null, $configuration);
$events = new EventsApi(null, $configuration);

function of_refund(?Refund $refund): ?array
{
    return $refund === null ? null : ['amount' => $refund->getAmount()];
}

function of_payment(Payment|EventPayment $payment): array
{
    return [
        'kind' => $payment->getKind(),
        'amount' => $payment->getAmount(),
        'currency' => $payment->getCurrency(),
        'paid_at' => $payment->getPaidAt()->getTimestamp(),
        'recorded_at' => $payment->getRecordedAt()?->getTimestamp(),
        'source' => $payment->getSource(),
        'agent_id' => $payment->getAgentId(),
        'receipt_number' => $payment->getReceiptNumber(),
    ];
}

function of_code(PaymentCode $code): array
{
    return [
        'invoice_number' => $code->getInvoiceNumber(),
        'status' => $code->getStatus(),
        'amount' => $code->getAmount(),
        'customer' => $code->getCustomer()?->getName(),
        'paid_at' => $code->getPaidAt()?->getTimestamp(),
        'refund' => of_refund($code->getRefund()),
        'payments' => array_map(of_payment(...), $code->getPayments()),
        'payments_complete' => $code->getPaymentsComplete(),
        'sequence' => $code->getSequence(),
    ];
}

function of_event(Event $event): array
{
    $data = $event->getData();
    return [
        'id' => $event->getId(),
        'type' => $event->getType(),
        'timestamp' => $event->getTimestamp()->getTimestamp(),
        'delivery' => $event->getDelivery()->getStatus(),
        'status' => $data->getStatus(),
        'amount' => $data->getAmount(),
        'refund' => of_refund($data->getRefund()),
        'payment' => $data->getPayment() === null ? null : of_payment($data->getPayment()),
    ];
}

function answer(PaymentCodesApi $codes, EventsApi $events, array $order): mixed
{
    switch ($order['do']) {
        case 'create':
            return of_code($codes->createPaymentCode(new PaymentCodeRequest([
                'invoice_number' => $order['invoice_number'],
                'amount' => $order['amount'],
                'channel' => Channel::ALFA,
                'customer' => new CustomerRequest(['name' => 'Anton Budiman']),
            ])));
        case 'read':
            try {
                return of_code($codes->getPaymentCode($order['invoice_number']));
            } catch (ApiException $error) {
                $problem = $error->getResponseObject();
                return ['problem' => $problem->getType(), 'status' => $problem->getStatus()];
            }
        case 'payments':
            return array_map(of_payment(...), $codes->listPayments($order['invoice_number'])->getItems());
        case 'codes':
            return array_map(of_code(...), $codes->listPaymentCodes(limit: 100)->getItems());
        case 'channels':
            return array_map(
                fn ($each) => [$each->getChannel(), $each->getMinAmount(), $each->getMaxAmount(), $each->getFeatures()],
                $codes->listChannels()->getItems(),
            );
        case 'events':
            return array_map(of_event(...), $events->listEvents(limit: 100)->getItems());
        case 'event':
            return of_event($events->getEvent($order['event_id']));
        default:
            $request = new RedeliveryRequest(['event_ids' => [$order['event_id']]]);
            return $events->redeliverEvents($request)->getCount();
    }
}

while (($line = fgets(STDIN)) !== false) {
    echo json_encode(answer($codes, $events, json_decode($line, true)), JSON_THROW_ON_ERROR), "\n";
}
