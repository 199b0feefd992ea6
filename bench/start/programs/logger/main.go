// Command logger logs a line with zap.
package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"lameduck/bench/start/hold"
)

func main() {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	zap.New(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.WarnLevel)).Warn("started")
	hold.Forever()
}
