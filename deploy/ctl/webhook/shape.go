package webhook

import (
	"context"
	"time"

	"go.uber.org/zap"

	"lameduck/deploy/ctl/inject"
)

// askVersionAgain is the time between two attempts to learn the cluster's version.
const askVersionAgain = 2 * time.Second

// A VersionFunc asks a cluster for its version.
type VersionFunc func(ctx context.Context) (string, error)

// learnShape asks until it has been told, and then says what is injected from now on: a native sidecar where the cluster can have one. A cluster
// that is upgraded meanwhile gets plain containers until the webhook's next start.
func learnShape(ctx context.Context, ask VersionFunc, i *injector, s inject.Settings, log *zap.Logger) {
	told := false
	for {
		said, err := ask(ctx)
		if err == nil {
			if s.Shape, err = inject.ShapeFor(said); err == nil {
				s.Kubernetes = said
				i.settings.Store(&s)
				log.Info("shape chosen", zap.String("shape", string(s.Shape)), zap.String("kubernetes", said))
				return
			}
		}
		if ctx.Err() == nil && !told {
			log.Error("the cluster's version is not known, which decides on the shape; asking again", zap.Error(err))
			told = true
		}
		timer := time.NewTimer(askVersionAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
