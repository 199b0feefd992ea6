// Command sampler logs a line with zap, through a sampler.
package main

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"lameduck/bench/start/hold"
)

// kept keeps the logger from being collected.
var kept *zap.Logger

func main() {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.WarnLevel)
	kept = zap.New(zapcore.NewSamplerWithOptions(core, time.Second, 100, 100))
	kept.Warn("started")
	hold.Forever()
}
