<?php
// Receive webhooks: verify each, enter it into the books once, then answer.
//
//     php -S 127.0.0.1:PORT receive_webhook.php
//
// Needs PHP 8.1 or newer, without extensions; in the environment O2O_WEBHOOK_SECRET (whsec_…) and
// O2O_BOOKS, a folder for the books.

declare(strict_types=1);

const TOLERANCE_SECONDS = 300;
// Money that came in another way than the shop expects, or went back.
const FOR_A_PERSON = [
    'payment_code.paid_late',
    'payment_code.paid_again',
    'payment_code.amount_mismatch',
    'payment_code.digits_mismatch',
    'payment.refunded',
];

/** Whether the message is ours, and of now: Standard Webhooks in a few lines. */
function is_authentic(string $secret, string $id, string $timestamp, string $given, string $body): bool
{
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    $signed = "$id.$timestamp.$body";
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    // Two signatures, separated by a space, while a secret is replaced: one that holds is enough.
    $holds = false;
    foreach (explode(' ', $given) as $signature) {
        $holds = hash_equals($expected, $signature) || $holds;
    }
    return $holds;
}

/** What belongs in the books. Other types, also those to come, are nothing to this shop. */
function entry_of(array $event): ?string
{
    $code = $event['data'];
    $told = "{$event['type']} {$code['invoice_number']}";
    if ($event['type'] === 'payment_code.paid') {
        $payment = $code['payment'];
        $as_agreed = $payment['certain'] && !$payment['had_ended'];
        // Compare it with the order's amount, too: the order is yours.
        if ($as_agreed && $payment['amount'] === $code['amount']) {
            return "credit $told {$payment['amount']}";
        }
        return "review $told";
    }
    return in_array($event['type'], FOR_A_PERSON, true) ? "review $told" : null;
}

/**
 * Write the entry and that the event is handled, in one step: both happen or neither.
 *
 * In your shop: one transaction that inserts the event's id under a unique key and does the work.
 * A mark before the work loses a payment if the program ends in between; one after it pays twice.
 */
function enter(string $books, string $event_id, string $entry): void
{
    $fresh = tempnam($books, '.');
    $file = fopen($fresh, 'w');
    $written = fwrite($file, "$entry\n") !== false && fsync($file) && fclose($file);
    $entered = $written && @link($fresh, "$books/$event_id");
    unlink($fresh);
    if ($entered) {
        file_put_contents('php://stdout', "$entry\n");
    } elseif (!is_file("$books/$event_id")) { // it is there: the same event again, or twice at once
        throw new RuntimeException('The entry could not be written.');
    }
}

$secret = getenv('O2O_WEBHOOK_SECRET');
$books = getenv('O2O_BOOKS');
if (!$secret || !$books) {
    http_response_code(500);
    error_log('Set O2O_WEBHOOK_SECRET and O2O_BOOKS.');
    exit(1);
}

// The bytes as they came, not JSON that was read and written again.
$body = file_get_contents('php://input');
$authentic = is_authentic(
    $secret,
    $_SERVER['HTTP_WEBHOOK_ID'] ?? '',
    $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '',
    $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '',
    $body,
);
if (!$authentic) {
    http_response_code(400);
    exit;
}

http_response_code(500); // should this end here, it will be sent again
$event = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
$entry = entry_of($event);
if ($entry !== null) {
    enter($books, $event['id'], $entry);
}
http_response_code(204); // any 2xx means: it is on record here
