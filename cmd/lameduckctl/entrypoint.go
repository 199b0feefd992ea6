package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"

	"lameduck/deploy/ctl/entrypoint"
	"lameduck/deploy/ctl/inject"
)

// entrypointFlags are the flags for questions to registries.
type entrypointFlags struct {
	registries entrypoint.Registries
	secrets    []string
	timeout    time.Duration
}

func (f *entrypointFlags) addRegistries(flags *pflag.FlagSet) {
	flags.Func("entrypoint-registries", "hosts of registries, such as docker.io,ghcr.io, or all, that may be asked, with "+
		"shape wrapper, for the entrypoint of an image whose container has no command, and for its stop signal "+
		"(default none)", func(value string) (err error) {
		f.registries, err = entrypoint.ParseRegistries(value)
		return err
	})
}

func (f *entrypointFlags) addSecrets(flags *pflag.FlagSet) {
	flags.Func("entrypoint-secrets", "names of pull Secrets of pods that may be read for that (default none)",
		func(value string) error {
			f.secrets = strings.Split(value, ",")
			if slices.ContainsFunc(f.secrets, func(name string) bool {
				return len(validation.IsDNS1123Subdomain(name)) > 0
			}) {
				return errors.New("must be names of Secrets, comma-separated (for example registry)")
			}
			return nil
		})
}

func (f *entrypointFlags) addTimeout(flags *pflag.FlagSet) {
	flags.DurationVar(&f.timeout, "entrypoint-timeout", entrypoint.DefaultTimeout,
		"how long to wait for a registry; without its answer the workload is observed")
}

func (f *entrypointFlags) check() error {
	if len(f.secrets) > 0 && len(f.registries) == 0 {
		return errors.New("--entrypoint-secrets: needs --entrypoint-registries, the registries that they are for")
	}
	if f.timeout < 0 || f.timeout > time.Minute {
		return fmt.Errorf("--entrypoint-timeout: must be a duration of at most 1m (for example 500ms), got %s",
			f.timeout)
	}
	return nil
}

// forUser returns the registries with the credentials of the user's Docker configuration.
func (f *entrypointFlags) forUser() (images inject.Images, end func()) {
	return f.ask(func(context.Context, string, inject.ImageQuestion) (authn.Keychain, error) {
		return authn.DefaultKeychain, nil
	})
}

// forPods returns the registries with the pull Secrets of the pods that may be read.
func (f *entrypointFlags) forPods(client kubernetes.Interface) (images inject.Images, end func()) {
	if client == nil {
		return f.ask(nil)
	}
	read := func(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
		return client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return f.ask(entrypoint.PullSecrets(read, f.secrets))
}

func (f *entrypointFlags) ask(k entrypoint.Keychains) (images inject.Images, end func()) {
	if len(f.registries) == 0 {
		return nil, func() {}
	}
	a := entrypoint.New(entrypoint.Config{Registries: f.registries, Keychains: k, Timeout: f.timeout})
	return a, a.Close
}
