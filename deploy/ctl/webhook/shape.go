package webhook

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
)

// versionRetry is the time between two attempts to get the version of the cluster.
const versionRetry = 2 * time.Second

// A VersionFunc returns the version of a cluster.
type VersionFunc func(ctx context.Context) (string, error)

// chooseShape gets the version of the cluster, with retries, and sets the shape of the injected
// sidecars, if the settings have none: native if the cluster supports it. With a shape, the version
// decides what replaces it in pods that it does not suit. The choice lasts until the next start of
// the webhook, even if the cluster is upgraded.
func chooseShape(ctx context.Context, version VersionFunc, i *injector, s inject.Settings, log *zap.Logger) {
	logged := false
	for {
		kubernetes, err := version(ctx)
		if err == nil {
			var best inject.Shape
			if best, err = inject.ShapeFor(kubernetes); err == nil {
				s.Shape, s.Kubernetes = cmp.Or(s.Shape, best), kubernetes
				i.settings.Store(&s)
				log.Info("shape chosen", zap.String("shape", string(s.Shape)),
					zap.String("kubernetes", kubernetes))
				return
			}
		}
		if ctx.Err() == nil && !logged {
			log.Error("version of the cluster unknown; retrying", zap.String("shape", string(s.Shape)), zap.Error(err))
			logged = true
		}
		timer := time.NewTimer(versionRetry)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
