package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// drain begins the drain of the lameduck on this host, over its control address. With --wait it
// returns at the end of the hold. --native is for the preStop hook of a native sidecar, see
// [lifecycle.Lifecycle.RequestDrain].
func drain(args, environ []string, stdout io.Writer) error {
	query := make(url.Values)
	for _, a := range args {
		switch option := strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-"); {
		case strings.HasPrefix(a, "-") && (option == "wait" || option == "native"):
			query.Set(option, "")
		default:
			return usageError(fmt.Sprintf("unexpected argument %q: drain takes --wait and --native", a))
		}
	}
	c, err := loadConfig(environ)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	return requestDrain(ctx, "http://"+c.Control+"/drain?"+query.Encode(), stdout)
}

func requestDrain(ctx context.Context, target string, stdout io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("request drain: %w: is lameduck running, with the same LAMEDUCK_CONTROL?", err)
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
