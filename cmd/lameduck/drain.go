package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// drain begins the drain of the lameduck on this host, over its control address. With --wait it returns at the end of the
// hold.
func drain(args, environ []string, stdout io.Writer) error {
	target := "/drain"
	for _, a := range args {
		if a != "--wait" && a != "-wait" {
			return usageError(fmt.Sprintf("unexpected argument %q: drain takes --wait alone", a))
		}
		target = "/drain?wait"
	}
	c, err := loadConfig(environ)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	return requestDrain(ctx, "http://"+c.Control+target, stdout)
}

func requestDrain(ctx context.Context, url string, stdout io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("request drain: %w: is lameduck running, with the same %sCONTROL?", err, prefix)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("request drain: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("request drain: %s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	_, err = stdout.Write(body)
	return err
}
