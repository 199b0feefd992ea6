// Command logger logs a line with zap.
package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"lameduck/bench/start/hold"
)

// kept keeps the logger from being collected.
var kept *zap.Logger

func main() {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	kept = zap.New(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.WarnLevel))
	kept.Warn("started")
	hold.Forever()
}
