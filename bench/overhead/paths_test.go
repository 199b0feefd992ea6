package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// prepared returns paths with everything that a template uses.
func prepared(t *testing.T, p peer, spoken protocol) paths {
	t.Helper()
	dir := t.TempDir()
	if spoken == https {
		if err := writeCertificate(dir); err != nil {
			t.Fatal(err)
		}
	}
	at := paths{Protocol: spoken, Dir: dir, Certs: dir, Files: dir, App: "127.0.0.1:8080", Small: smallText(), Binary: "/bin/true"}
	at.limitTo(100)
	if err := at.prepare(p); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPeersConfigurationsAreAccepted(t *testing.T) {
	checks := map[string][]string{
		"nginx":   {"-t", "-e", "stderr", "-c"},
		"haproxy": {"-c", "-f"},
		"caddy":   {"validate", "--adapter", "caddyfile", "--config"},
	}
	for _, p := range append(allPeers(), nginxApp()) {
		for _, spoken := range p.Speaks {
			if check := checks[p.Tool.Program]; check != nil {
				t.Run(fmt.Sprint(p.Name, " ", spoken), func(t *testing.T) {
					checkConfig(t, p.Tool, append(check, prepared(t, p, spoken).Config))
				})
			}
		}
	}
}

func checkConfig(t *testing.T, program tool, args []string) {
	t.Helper()
	path, err := program.path()
	if err != nil {
		t.Skipf("%s is not installed: apt-get install %s", program.Program, program.Package)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"HOME=" + t.TempDir()} // Caddy writes files there
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", path, strings.Join(args, " "), err, text)
	}
}

func TestPeersCommandsCanBeFilled(t *testing.T) {
	for _, p := range append(allPeers(), nginxApp(), grpcApp(), tunnelApp()) {
		at := prepared(t, p, http1)
		for _, texts := range [][]string{p.Command, p.Env, {p.Ready}} {
			filled, err := at.renderAll(texts)
			if err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
			if strings.Contains(strings.Join(filled, ""), "{{") {
				t.Errorf("%s: %q is not filled", p.Name, filled)
			}
		}
	}
}

func TestLameduckGetsItsRoute(t *testing.T) {
	peers := allPeers()
	p := peers[slices.IndexFunc(peers, func(p peer) bool { return p.Name == lameduck })]
	for spoken, suffix := range map[protocol]string{http1: "", h2c: "", webSocket: "", tcp: ";proto=tcp"} {
		at := prepared(t, p, spoken)
		env, err := at.renderAll(p.Env)
		if err != nil {
			t.Fatal(err)
		}
		if want := "LAMEDUCK_ROUTES=" + at.Listen + "=8080" + suffix; !slices.Contains(env, want) {
			t.Errorf("the environment for %s is %q, want %q in it", spoken, env, want)
		}
	}
}

func TestConfigurationsKeepTheirEnding(t *testing.T) {
	for name, want := range map[string]string{"nginx.tmpl": "nginx.conf", "traefik.yaml.tmpl": "traefik.yaml"} {
		if got := configName(name); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
}

func TestPoolsHoldWhatTheLoadKeepsBusy(t *testing.T) {
	for _, p := range allPeers() {
		at := prepared(t, p, http1)
		if at.Config == "" {
			continue
		}
		text, err := os.ReadFile(at.Config)
		if err != nil {
			t.Fatal(err)
		}
		for _, directive := range regexp.MustCompile(`(?m)^\s*(?:keepalive|keepalive_idle_conns_per_host) (\d+)`).FindAllStringSubmatch(string(text), -1) {
			if n, _ := strconv.Atoi(directive[1]); n < throughputConnections {
				t.Errorf("%s keeps %d connections to the app, fewer than the load's %d", p.Name, n, throughputConnections)
			}
		}
	}
}

func TestNginxHasSlotsForBothSidesOfEveryTunnel(t *testing.T) {
	at := paths{}
	at.limitTo(10_000)
	if free := at.Slots() - 2*10_000; free < at.Slots()/16 {
		t.Errorf("of %d slots %d are free with 10,000 tunnels: nginx closes connections", at.Slots(), free)
	}
}

func TestHAProxyMayKeepThePoolThatTheLoadNeeds(t *testing.T) {
	at := paths{}
	at.limitTo(roomyConnections)
	const highRatio = 0.25 // tune.pool-high-fd-ratio: https://docs.haproxy.org/2.6/configuration.html#tune.pool-high-fd-ratio
	if used := 2 * throughputConnections; float64(used) > highRatio*float64(2*at.MaxConnections) {
		t.Errorf("with maxconn %d HAProxy closes idle connections to the app when the load has %d open on either side", at.MaxConnections, throughputConnections)
	}
}

func TestRenderRefusesWhatAPlaceDoesNotHave(t *testing.T) {
	for _, text := range []string{"{{.Nowhere}}", "{{.Listen"} {
		if got, err := (paths{}).render(text); err == nil {
			t.Errorf("render(%q) = %q without an error", text, got)
		}
	}
}

func TestInstancesHaveDirectoriesAndAddressesOfTheirOwn(t *testing.T) {
	common := paths{Dir: t.TempDir()}
	one, two := common, common
	for _, at := range []*paths{&one, &two} {
		if err := at.prepare(peer{Name: "nginx"}); err != nil {
			t.Fatal(err)
		}
	}
	if one.Dir == two.Dir || filepath.Dir(one.Dir) != common.Dir {
		t.Errorf("directories %s and %s", one.Dir, two.Dir)
	}
	if one.Listen == one.Admin || one.Admin == one.Control {
		t.Errorf("addresses %s, %s, %s", one.Listen, one.Admin, one.Control)
	}
}

func TestHAProxyStartsWithAsManyConnectionsAsFit(t *testing.T) {
	files, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range haproxyPeers() {
		needTools(t, p.Tool)
		program, err := p.Tool.path()
		if err != nil {
			t.Fatal(err)
		}
		at := paths{Dir: t.TempDir(), App: "127.0.0.1:8080", Binary: program}
		at.limitTo(fitting(10_000, files))
		in, err := launch(p, at, allCores(t))
		if err != nil {
			t.Fatal(err)
		}
		defer in.stop()
		listens := func(ctx context.Context) error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", in.paths.Listen)
			if err == nil {
				conn.Close()
			}
			return err
		}
		if err := in.process.Await(t.Context(), "listen", listens); err != nil {
			t.Errorf("%s with %d connections, %d files at most: %v", p.Name, at.MaxConnections, files, err)
		}
	}
}
