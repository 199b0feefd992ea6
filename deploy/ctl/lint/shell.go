package lint

import (
	"path"
	"slices"
	"strings"
)

// shellLess are prefixes of repositories whose images are known to have no shell.
var shellLess = []string{
	"gcr.io/distroless/", "cgr.dev/chainguard/static", "cgr.dev/chainguard/glibc-dynamic",
	"registry.k8s.io/", "k8s.gcr.io/", "docker.io/coredns/coredns", "coredns/coredns",
	"quay.io/jetstack/cert-manager-", "ghcr.io/external-secrets/", "quay.io/metallb/",
	"cr.l5d.io/linkerd/proxy", "ghcr.io/linkerd/proxy", "hashicorp/http-echo",
	"docker.io/hashicorp/http-echo",
	"envoyproxy/envoy-distroless", "docker.io/envoyproxy/envoy-distroless", "envoyproxy/gateway",
}

// withShell are exceptions from shellLess.
var withShell = []string{
	"registry.k8s.io/ingress-nginx/", "registry.k8s.io/e2e-test-images/", "registry.k8s.io/build-image/",
	"k8s.gcr.io/ingress-nginx/",
}

// withoutShell reports whether an image is known to have no shell. Debugging variants have one.
func withoutShell(image string) bool {
	name := repository(image)
	startsWith := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case imageName(image) == "lameduck":
		return true
	case strings.Contains(tag(image), "debug") || strings.HasSuffix(tag(image), "-dev"):
		return false
	case strings.Contains(tag(image), "distroless"):
		return true
	}
	return slices.ContainsFunc(shellLess, startsWith) && !slices.ContainsFunc(withShell, startsWith)
}

// userland are commands that an image without a shell does not have either.
var userland = []string{
	"sh", "bash", "ash", "dash", "sleep", "kill", "killall", "pkill", "curl", "wget", "nc", "cat", "echo",
	"touch", "rm", "env",
	"timeout",
}

func needsUserland(command string) bool { return slices.Contains(userland, path.Base(command)) }
