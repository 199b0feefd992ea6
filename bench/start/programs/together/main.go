// Command together serves metrics, logs and has a socket of netlink, like the other programs.
package main

import (
	"io"
	"net"
	"net/http"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"lameduck/bench/start/hold"
)

// kept keeps the logger from being collected.
var kept *zap.Logger

func main() {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.WarnLevel)
	kept = zap.New(zapcore.NewSamplerWithOptions(core, time.Second, 100, 100))
	kept.Warn("started")
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	hold.Check(err)
	defer c.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	hold.Check(err)
	server := http.Server{Handler: promhttp.HandlerFor(r, promhttp.HandlerOpts{}), ReadHeaderTimeout: time.Minute}
	go func() { hold.Check(server.Serve(l)) }()
	hold.Forever()
}
