package balancer

import (
	"cmp"
	"testing"
	"time"
)

// failures are failures of an endpoint before its response head has arrived, except refusals.
func failures() map[string]behaviour {
	return map[string]behaviour{
		"reset":                       resets,
		"closed":                      answersThenCloses(""),
		"closed in the head":          answersThenCloses("HTTP/1.1 200 OK\r\nContent-Le"),
		"closed after interim answer": answersThenCloses("HTTP/1.1 103 Early Hints\r\n\r\n"),
		"not HTTP":                    answers("SSH-2.0-OpenSSH\r\n\r\n"),
		"silent":                      silent,
	}
}

func config(retries int) Config { return Config{Keepalive: 8, Retries: retries} }

func TestRequestThatWasSentIsTriedAgainUnlessItIsAPost(t *testing.T) {
	for name, fails := range failures() {
		for method, want := range map[string]int{"GET": 200, "PUT": 200, "POST": 502, "PATCH": 502} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				// Round robin starts with the second.
				good, bad := start(t, answers(fine)), start(t, fails)
				cfg := config(1)
				if name == "silent" {
					cfg.ReadTimeout = 5 * time.Second // the next endpoint may be slow
					want = cmp.Or(map[int]int{502: 504}[want], want)
				}
				got, _, _ := send(t, balance(t, cfg, good, bad), method, "body")
				if got != want {
					t.Errorf("answered %d, want %d", got, want)
				}
				tried, _ := good.seen()
				if again := tried > 0; again != (want == 200) {
					t.Errorf("sent to the next endpoint: %t", again)
				}
			})
		}
	}
}

func TestRefusedConnectionIsTriedAgainForEveryMethod(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PATCH", "LOCK"} {
		t.Run(method, func(t *testing.T) {
			b := balance(t, config(1), start(t, answers(fine)), start(t, nil))
			if got, _, _ := send(t, b, method, "body"); got != 200 {
				t.Errorf("answered %d, want 200", got)
			}
		})
	}
}

func TestARequestIsNotRetriedAfterTheResponseHead(t *testing.T) {
	bodies := map[string]string{
		"fixed":   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	}
	for length, raw := range bodies {
		for _, method := range []string{"GET", "POST"} {
			t.Run(length+" "+method, func(t *testing.T) {
				good, bad := start(t, answers(fine)), start(t, answersThenCloses(raw))
				status, body, err := send(t, balance(t, config(1), good, bad), method, "")
				if status != 200 || body != "abc" || err == nil {
					t.Errorf("client got %d %q, %v; want 200 \"abc\" and a truncated body", status, body, err)
				}
				if requests, _ := good.seen(); requests != 0 {
					t.Error("the request was sent to the next endpoint")
				}
			})
		}
	}
}

func TestErrorStatusIsPassedOn(t *testing.T) {
	bad := start(t, answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"))
	status, body, _ := send(t, balance(t, config(1), start(t, answers(fine)), bad), "GET", "")
	if status != 503 || body != "busy" {
		t.Errorf("client got %d %q, want the endpoint's 503", status, body)
	}
}

func TestRetriesAreBounded(t *testing.T) {
	for retries, want := range map[int]int{-1: 502, 0: 502, 1: 502, 2: 200, 9: 200} {
		b := balance(t, config(retries), start(t, answers(fine)), start(t, nil), start(t, nil))
		if got, _, _ := send(t, b, "GET", ""); got != want {
			t.Errorf("with %d retries and two dead endpoints before a live one: %d, want %d", retries, got, want)
		}
	}
}

func TestNoEndpointIsTriedTwice(t *testing.T) {
	only := start(t, resets)
	if got, _, _ := send(t, balance(t, config(5), only), "GET", ""); got != 502 {
		t.Errorf("answered %d, want 502", got)
	}
	if requests, _ := only.seen(); requests != 1 {
		t.Errorf("the endpoint got the request %d times, want once", requests)
	}
}

func TestNoEndpointAtAllIs502(t *testing.T) {
	if got, _, _ := send(t, balance(t, config(1)), "GET", ""); got != 502 {
		t.Errorf("answered %d, want 502", got)
	}
}
