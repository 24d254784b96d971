#!/bin/sh
# Create a payment code and wait until the customer can go: create-code.sh INVOICE_NUMBER AMOUNT
#
# Needs curl and jq; O2O_URL and O2O_KEY in the environment.
set -eu

: "${O2O_URL:?and O2O_KEY must be set}" "${O2O_KEY:?and O2O_URL must be set}"
usage="give an order: create-code.sh INVOICE_NUMBER AMOUNT"
invoice_number=${1:?$usage} amount=${2:?$usage}
answer=$(mktemp) headers=$(mktemp)
trap 'rm -f "$answer" "$headers"' EXIT

# The status is printed, the body goes to $answer; 000 stands for "no answer at all".
ask() {
  curl --silent --max-time 35 --output "$answer" --dump-header "$headers" \
    --write-out '%{http_code}' --header "Authorization: Bearer $O2O_KEY" "$@" || true
}

# As long as the answer says, and never longer than O2O_MAX_WAIT seconds.
wait_a_while() {
  seconds=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]*\).*/\1/p' "$headers")
  [ "${seconds:-2}" -lt "${O2O_MAX_WAIT:-60}" ] || seconds=${O2O_MAX_WAIT:-60}
  sleep "${seconds:-2}"
}

order=$(jq --null-input --arg invoice_number "$invoice_number" --argjson amount "$amount" \
  '{$invoice_number, $amount, channel: "alfa", customer: {name: "Anton Budiman"}}')

# The invoice number is the idempotency key, so the same request may go out again and again.
for attempt in 1 2 3 4 5; do
  status=$(ask --header 'Content-Type: application/json' --data "$order" "$O2O_URL/payment-codes")
  case $status in
    000 | 409 | 429 | 500 | 503)
      if [ "$status" = 409 ] && [ "$(jq -r .type "$answer")" != /problems/concurrent-update ]; then break; fi
      wait_a_while ;;
    *) break ;;
  esac
done

# 202: DOKU has not answered clearly yet. The code is finished by itself; read it until it is.
while [ "$status" = 202 ] || { [ "$status" = 200 ] && [ "$(jq -r .status "$answer")" = requested ]; }; do
  wait_a_while
  status=$(ask "$O2O_URL/payment-codes/$invoice_number")
done

case $status in
  000) echo "No answer from $O2O_URL." >&2; exit 1 ;;
  200 | 201) jq -r '"\(.invoice_number) \(.status) \(.payment_code) \(.amount)"' "$answer" ;;
  *) jq -r '"\(.type): \(.detail // .title)"' "$answer" >&2; exit 1 ;;
esac
