package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lameduck/bench/internal/proc"
)

// clients is the number of addresses from which clients connect, since each has only 28,000 ports.
const clients = 16

// A pod is a network namespace with an app at port 8080 and Lameduck at 18080.
type pod struct {
	name, link, address string
	sources             []string // addresses of clients
	host                string   // and port, to which they connect
	app, lameduck       *proc.Process
}

const nginxConf = `master_process off; daemon off; pid %[1]s/nginx.pid; error_log /dev/null;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path %[1]s; proxy_temp_path %[1]s;
  fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  server {
    listen 8080 backlog=4096;
    location / { return 200 "0123456789012345678901234567890123456789012345678901234567890123"; } }
}
`

// plainRules redirect without anything about the table of connections.
const plainRules = `table inet lameduck { chain inbound { type nat hook prerouting priority dstnat;
iifname lo return; tcp dport 8080 fib daddr type local redirect to :18080; }; }`

// startPod makes the pod of one way.
func startPod(ctx context.Context, way string, n int, dir, lameduck string) (_ *pod, err error) {
	subnet := fmt.Sprintf("10.%d.%d.", 180+n, os.Getpid()%250)
	p := &pod{
		name:    fmt.Sprintf("lameduck-bench-%d-%s", os.Getpid(), way),
		link:    fmt.Sprintf("lb%d.%d", os.Getpid()%100000, n),
		address: subnet + "2",
	}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	commands := [][]string{
		{"ip", "netns", "add", p.name},
		{"ip", "link", "add", p.link, "type", "veth", "peer", "name", "eth0", "netns", p.name},
		{"ip", "link", "set", p.link, "up"},
		{"ip", "-n", p.name, "link", "set", "lo", "up"},
		{"ip", "-n", p.name, "addr", "add", p.address + "/24", "dev", "eth0"},
		{"ip", "-n", p.name, "link", "set", "eth0", "up"},
	}
	for i := range clients {
		source := fmt.Sprintf("%s%d", subnet, 101+i)
		p.sources = append(p.sources, source)
		commands = append(commands, []string{"ip", "addr", "add", source + "/24", "dev", p.link})
	}
	switch way {
	case "redirect":
		commands = append(commands, []string{"ip", "netns", "exec", p.name, lameduck, "redirect", "8080=18080"})
	case "plain":
		commands = append(commands, []string{"ip", "netns", "exec", p.name, "nft", plainRules})
	}
	for _, c := range commands {
		if out, err := exec.CommandContext(ctx, c[0], c[1:]...).CombinedOutput(); err != nil {
			return p, fmt.Errorf("%s: %w: %s", strings.Join(c, " "), err, out)
		}
	}
	port := "8080"
	if way == "move" {
		port = "18080"
	}
	p.host = net.JoinHostPort(p.address, port)
	return p, p.startPrograms(ctx, filepath.Join(dir, way), lameduck)
}

func (p *pod) startPrograms(ctx context.Context, dir, lameduck string) (err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, dir), 0o666); err != nil {
		return err
	}
	within := []string{"netns", "exec", p.name}
	p.app, err = proc.Start(proc.Command{
		Path: "ip", Name: "nginx", Args: append(within, "nginx", "-c", conf), Env: os.Environ(),
	})
	if err != nil {
		return err
	}
	p.lameduck, err = proc.Start(proc.Command{
		Path: "ip", Name: "lameduck", Args: append(within, lameduck, "serve"),
		Env: append(os.Environ(), "LAMEDUCK_ROUTES=18080=8080", "LAMEDUCK_TERMINATION_LOG="+dir+"/log", "GOMAXPROCS=1"),
	})
	if err != nil {
		return err
	}
	return p.lameduck.Await(ctx, "answer at "+p.host, func(context.Context) error {
		return request(&net.Dialer{Timeout: time.Second}, p.host)
	})
}

// stop ends the programs and removes the namespace.
func (p *pod) stop() {
	for _, one := range []*proc.Process{p.lameduck, p.app} {
		if one != nil {
			one.Stop()
		}
	}
	_ = exec.Command("ip", "netns", "del", p.name).Run()
	_ = exec.Command("ip", "link", "del", p.link).Run()
}
