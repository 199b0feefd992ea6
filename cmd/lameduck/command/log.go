package command

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"lameduck/cmd/lameduck/config"
	"lameduck/cmd/lameduck/logqueue"
)

// A logger writes lines to a queue, so that logging never waits for the log's reader.
type logger struct {
	*zap.Logger
	queue    *logqueue.Queue
	repeated atomic.Uint64 // lines left out because their message came too often
}

// repeatsLogged limits how often a message is logged: that often in each second, and after that
// only every repeatsLogged-th time.
const repeatsLogged = 100

// newLogger returns the logger that the configuration asks for.
func newLogger(c *config.Config, queue *logqueue.Queue) (*logger, error) {
	level, err := zapcore.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, err
	}
	encoder := newEncoder(c.LogFormat)
	queue.SetNotice(func(n uint64) []byte { return droppedNotice(encoder, n) })
	l := &logger{queue: queue}
	core := zapcore.NewSamplerWithOptions(zapcore.NewCore(encoder, queue, level),
		time.Second, repeatsLogged, repeatsLogged, zapcore.SamplerHook(l.sampled))
	l.Logger = zap.New(core, zap.ErrorOutput(queue)) // by default zap writes its own errors to stderr
	return l, nil
}

func newEncoder(format string) zapcore.Encoder {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.EncodeDuration = zapcore.StringDurationEncoder
	if format == "console" {
		return zapcore.NewConsoleEncoder(c)
	}
	return zapcore.NewJSONEncoder(c)
}

// droppedNotice returns the line that replaces n lines in the log.
func droppedNotice(encoder zapcore.Encoder, n uint64) []byte {
	entry := zapcore.Entry{Level: zapcore.WarnLevel, Time: time.Now(), Message: "log lines dropped"}
	b, err := encoder.EncodeEntry(entry, []zapcore.Field{zap.Uint64("lines", n)})
	if err != nil {
		return nil
	}
	defer b.Free()
	return append([]byte(nil), b.Bytes()...)
}

func (l *logger) sampled(_ zapcore.Entry, d zapcore.SamplingDecision) {
	if d&zapcore.LogDropped != 0 {
		l.repeated.Add(1)
	}
}

// metrics returns the collector of the log's metric.
func (l *logger) metrics() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "lameduck_log_lines_dropped_total",
		Help: "Log lines that were not written because the log was read too slowly or a message came too often.",
	}, func() float64 { return float64(l.queue.Dropped() + l.repeated.Load()) })
}
