// Command sampler logs a line with zap, through a sampler.
package main

import (
	"io"
	"runtime"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"lameduck/bench/start/hold"
)

func main() {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.WarnLevel)
	log := zap.New(zapcore.NewSamplerWithOptions(core, time.Second, 100, 100))
	log.Warn("started")
	hold.Forever()
	runtime.KeepAlive(log)
}
