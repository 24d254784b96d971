<?php
// Receive webhooks: verify each, answer at once, and do everything once.
//
//     php -S 127.0.0.1:PORT receive_webhook.php
//
// Needs PHP 8.1 or newer, without extensions; O2O_WEBHOOK_SECRET (whsec_…) in the environment.

declare(strict_types=1);

const TOLERANCE_SECONDS = 300;

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

// The bytes as they came, not JSON that was read and written again.
$body = file_get_contents('php://input');
$authentic = is_authentic(
    getenv('O2O_WEBHOOK_SECRET'),
    $_SERVER['HTTP_WEBHOOK_ID'] ?? '',
    $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '',
    $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '',
    $body,
);
if (!$authentic) {
    http_response_code(400);
    exit;
}

$event = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
// The same event may come more than once. In your shop: a table with a unique key.
$seen = sys_get_temp_dir() . '/o2o-seen-' . $event['id'];
$file = @fopen($seen, 'x');
if ($file !== false) {
    fclose($file);
    // Fulfil the order here, or better: put it on a queue.
    $code = $event['data'];
    file_put_contents('php://stdout', "{$event['type']} {$code['invoice_number']} {$code['amount']}\n");
}
http_response_code(204); // any 2xx means: it has arrived
