package main

import (
	"strings"
	"testing"
)

const answer = "HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length:  5\r\n\r\nhello"

func TestAnswerIsWholeWithItsLastByte(t *testing.T) {
	for end := range len(answer) {
		if whole, err := checkAnswer([]byte(answer[:end])); whole || err != nil {
			t.Errorf("%q: %v, %v, want more", answer[:end], whole, err)
		}
	}
	if whole, err := checkAnswer([]byte(answer)); !whole || err != nil {
		t.Errorf("%q: %v, %v", answer, whole, err)
	}
}

func TestOtherAnswersAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		answer + "x": "1 bytes follow a response",
		strings.Replace(answer, "200 OK", "502 Bad Gateway", 1):              `got "HTTP/1.1 502 Bad Gateway"`,
		strings.Replace(answer, "HTTP/1.1", "HTTP/1.0", 1):                   "want HTTP/1.1 200",
		strings.Replace(answer, "content-length", "Transfer-Encoding", 1):    "no Content-Length",
		strings.Replace(answer, "content-length:  5", "Content-Length: ", 1): "invalid syntax",
	} {
		if _, err := checkAnswer([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", text, err, want)
		}
	}
}
