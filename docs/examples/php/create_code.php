<?php
// Create a payment code and wait until the customer can go:
//
//     php create_code.php INVOICE_NUMBER AMOUNT
//
// Needs PHP 8.1 or newer, without extensions; O2O_URL and O2O_KEY in the environment.

declare(strict_types=1);

[$url, $key, $order] = [getenv('O2O_URL'), getenv('O2O_KEY'), array_slice($argv, 1)];
if (!$url || !$key || count($order) !== 2 || !ctype_digit($order[1])) {
    fwrite(STDERR, "Set O2O_URL and O2O_KEY, and give an order: create_code.php INVOICE_NUMBER AMOUNT\n");
    exit(1);
}

const ATTEMPTS = 5;
// Worth another try; the invoice number is the idempotency key, so it is safe. 0: no answer.
const AGAIN = [0, 429, 500, 503];

/** A problem document. Decide by its type, which is stable. */
final class Refused extends RuntimeException
{
}

/**
 * Send a request once.
 *
 * @return array{int, array<string, string>, array<string, mixed>} status, headers, body
 */
function send(string $method, string $path, ?array $body): array
{
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => [
            'Authorization: Bearer ' . getenv('O2O_KEY'),
            'Content-Type: application/json',
        ],
        'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
        'timeout' => 35,
        'ignore_errors' => true, // a 4xx has a body, too
        'follow_location' => 0,
    ]]);
    $text = @file_get_contents(getenv('O2O_URL') . $path, false, $context);
    if ($text === false) {
        return [0, [], []];
    }
    $headers = [];
    foreach (array_slice($http_response_header, 1) as $line) {
        [$name, $value] = explode(':', $line, 2);
        $headers[strtolower($name)] = trim($value);
    }
    $status = (int) explode(' ', $http_response_header[0])[1];
    return [$status, $headers, json_decode($text, true, 512, JSON_THROW_ON_ERROR)];
}

/** Send a request, again if the answer says so or none came. Throws Refused. */
function ask(string $method, string $path, ?array $body = null): array
{
    for ($attempt = 1; ; $attempt++) {
        [$status, $headers, $answer] = send($method, $path, $body);
        if ($status >= 200 && $status < 300) {
            return [$headers, $answer];
        }
        if ($status === 0 && $attempt === ATTEMPTS) {
            throw new Refused('No answer from ' . getenv('O2O_URL') . '.');
        }
        $type = $answer['type'] ?? '';
        $again = in_array($status, AGAIN, true) || $type === '/problems/concurrent-update';
        if (!$again || $attempt === ATTEMPTS) {
            throw new Refused($type . ': ' . ($answer['detail'] ?? $answer['title'] ?? ''));
        }
        pause($headers, 2 ** $attempt);
    }
}

/** Wait as long as the answer says. */
function pause(array $headers, int $otherwise): void
{
    $seconds = (int) ($headers['retry-after'] ?? $otherwise);
    $most = getenv('O2O_MAX_WAIT');
    sleep(min($seconds, $most === false ? 60 : (int) $most));
}

/** The payment code of this invoice number: a new one, or the one that it has already. */
function create_code(string $invoiceNumber, int $amount): array
{
    [$headers, $code] = ask('POST', '/payment-codes', [
        'invoice_number' => $invoiceNumber,
        'amount' => $amount,
        'channel' => 'alfa',
        'customer' => ['name' => 'Anton Budiman'],
    ]);
    // 202: DOKU has not answered clearly yet. The code is finished by itself: read it until it is.
    while ($code['status'] === 'requested') {
        pause($headers, 2);
        [$headers, $code] = ask('GET', '/payment-codes/' . $invoiceNumber);
    }
    return $code;
}

try {
    $code = create_code($order[0], (int) $order[1]);
    echo "{$code['invoice_number']} {$code['status']} {$code['payment_code']} {$code['amount']}\n";
} catch (Refused $refused) {
    fwrite(STDERR, $refused->getMessage() . "\n");
    exit(1);
}
