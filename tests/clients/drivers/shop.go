// A shop on the client that openapi-generator (go) made: orders in, what the client read out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"example.com/shop/o2o"
)

type record = map[string]interface{}

type order struct {
	Do            string
	InvoiceNumber string `json:"invoice_number"`
	Amount        int64
	EventID       string `json:"event_id"`
}

func must[Value any](value Value, err error) Value {
	if err != nil {
		panic(err)
	}
	return value
}

func instant(value *time.Time) interface{} {
	if value == nil {
		return nil
	}
	return value.Unix()
}

func text(value *string) interface{} {
	if value == nil || *value == "" {
		return nil
	}
	return *value
}

func ofRefund(refund *o2o.Refund) interface{} {
	if refund == nil {
		return nil
	}
	return record{"amount": refund.Amount.Get()}
}

func ofPayment(payment o2o.Payment) record {
	return record{
		"kind":           payment.Kind,
		"amount":         payment.Amount,
		"currency":       payment.Currency,
		"paid_at":        payment.PaidAt.Unix(),
		"recorded_at":    payment.RecordedAt.Unix(),
		"source":         payment.Source,
		"agent_id":       text(payment.AgentId.Get()),
		"receipt_number": text(payment.ReceiptNumber.Get()),
	}
}

func ofEventPayment(payment *o2o.EventPayment) interface{} {
	if payment == nil {
		return nil
	}
	return record{
		"kind":           payment.Kind,
		"amount":         payment.Amount,
		"currency":       text(payment.Currency),
		"paid_at":        payment.PaidAt.Unix(),
		"recorded_at":    instant(payment.RecordedAt.Get()),
		"source":         text(payment.Source.Get()),
		"agent_id":       text(payment.AgentId.Get()),
		"receipt_number": text(payment.ReceiptNumber.Get()),
	}
}

func ofCode(code o2o.PaymentCode) record {
	payments := []record{}
	for _, each := range code.Payments {
		payments = append(payments, ofPayment(each))
	}
	var customer interface{}
	if code.Customer.Get() != nil {
		customer = code.Customer.Get().Name
	}
	return record{
		"invoice_number":    code.InvoiceNumber,
		"status":            code.Status,
		"amount":            code.Amount,
		"customer":          customer,
		"paid_at":           instant(code.PaidAt.Get()),
		"refund":            ofRefund(code.Refund.Get()),
		"payments":          payments,
		"payments_complete": code.PaymentsComplete.Get(),
		"sequence":          code.Sequence,
	}
}

func ofEvent(event o2o.Event) record {
	return record{
		"id":        event.Id,
		"type":      event.Type,
		"timestamp": event.Timestamp.Unix(),
		"delivery":  event.Delivery.Status,
		"status":    event.Data.Status,
		"amount":    event.Data.Amount,
		"refund":    ofRefund(event.Data.Refund.Get()),
		"payment":   ofEventPayment(event.Data.Payment.Get()),
	}
}

func answer(ctx context.Context, client *o2o.APIClient, order order) interface{} {
	codes, events := client.PaymentCodesAPI, client.EventsAPI
	switch order.Do {
	case "create":
		customer := *o2o.NewCustomerRequest("Anton Budiman")
		request := *o2o.NewPaymentCodeRequest(order.InvoiceNumber, order.Amount, o2o.CHANNEL_ALFA, customer)
		code, _, err := codes.CreatePaymentCode(ctx).PaymentCodeRequest(request).Execute()
		return ofCode(*must(code, err))
	case "read":
		code, _, err := codes.GetPaymentCode(ctx, order.InvoiceNumber).Execute()
		if refused, ok := err.(*o2o.GenericOpenAPIError); ok {
			if problem, ok := refused.Model().(o2o.Problem); ok {
				return record{"problem": problem.Type, "status": problem.Status}
			}
		}
		return ofCode(*must(code, err))
	case "payments":
		page, _, err := codes.ListPayments(ctx, order.InvoiceNumber).Execute()
		payments := []record{}
		for _, each := range must(page, err).Items {
			payments = append(payments, ofPayment(each))
		}
		return payments
	case "codes":
		page, _, err := codes.ListPaymentCodes(ctx).Limit(100).Execute()
		found := []record{}
		for _, each := range must(page, err).Items {
			found = append(found, ofCode(each))
		}
		return found
	case "channels":
		list, _, err := codes.ListChannels(ctx).Execute()
		found := [][]interface{}{}
		for _, each := range must(list, err).Items {
			found = append(found, []interface{}{each.Channel, each.MinAmount, each.MaxAmount, each.Features})
		}
		return found
	case "events":
		page, _, err := events.ListEvents(ctx).Limit(100).Execute()
		found := []record{}
		for _, each := range must(page, err).Items {
			found = append(found, ofEvent(each))
		}
		return found
	case "event":
		event, _, err := events.GetEvent(ctx, order.EventID).Execute()
		return ofEvent(*must(event, err))
	default:
		request := *o2o.NewRedeliveryRequest()
		request.SetEventIds([]string{order.EventID})
		sent, _, err := events.RedeliverEvents(ctx).RedeliveryRequest(request).Execute()
		return must(sent, err).Count
	}
}

func main() {
	configuration := o2o.NewConfiguration()
	configuration.Servers = o2o.ServerConfigurations{{URL: os.Getenv("O2O_URL")}}
	client := o2o.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), o2o.ContextAccessToken, os.Getenv("O2O_KEY"))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var next order
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			panic(err)
		}
		fmt.Println(string(must(json.Marshal(answer(ctx, client, next)))))
	}
}
