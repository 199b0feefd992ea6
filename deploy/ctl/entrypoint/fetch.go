package entrypoint

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"lameduck/deploy/ctl/inject"
)

const (
	// maxPlatforms bounds the images of one index. Official images have eight for Linux.
	maxPlatforms = 32

	// maxCommand bounds the bytes of a command, because it becomes part of an annotation and of
	// each pod.
	maxCommand = 16 << 10

	linux = "linux"
)

// fetch returns the configuration of an image.
func (a *Asker) fetch(
	ctx context.Context, key, namespace string, q inject.ImageQuestion, ref name.Reference,
) (inject.ImageConfig, error) {
	digest, isDigest := ref.(name.Digest)
	if isDigest && a.cache.hasAsked(key) {
		if config, is := a.cache.config(ref.Context(), digest.DigestStr()); is {
			return config, nil
		}
	}
	keychain, err := a.keychain(ctx, namespace, q)
	if err != nil {
		return inject.ImageConfig{}, err
	}
	config, err := a.fetchWith(ctx, key, ref, keychain)
	if err != nil {
		return inject.ImageConfig{}, explain(ref.Context().RegistryStr(), keychain, err)
	}
	a.cache.asked(key)
	return config, nil
}

func (a *Asker) keychain(ctx context.Context, namespace string, q inject.ImageQuestion) (authn.Keychain, error) {
	if a.config.Keychains == nil {
		return authn.NewMultiKeychain(), nil // anonymous
	}
	return a.config.Keychains(ctx, namespace, q)
}

func (a *Asker) fetchWith(
	ctx context.Context, key string, ref name.Reference, keychain authn.Keychain,
) (inject.ImageConfig, error) {
	puller, err := remote.NewPuller(remote.WithTransport(a.transport), remote.WithAuthFromKeychain(keychain),
		// A retry would sleep for longer than any caller waits.
		remote.WithRetryPredicate(func(error) bool { return false }), remote.WithRetryStatusCodes())
	if err != nil {
		return inject.ImageConfig{}, err
	}
	// The first question gets the manifest at once. Later ones ask for its digest first, which public
	// registries do not count as a pull.
	if a.cache.hasAsked(key) {
		head, err := puller.Head(ctx, ref)
		if err != nil {
			return inject.ImageConfig{}, err
		}
		if config, is := a.cache.config(ref.Context(), head.Digest.String()); is {
			return config, nil
		}
	}
	manifest, err := puller.Get(ctx, ref)
	if err != nil {
		return inject.ImageConfig{}, err
	}
	if config, is := a.cache.config(ref.Context(), manifest.Digest.String()); is {
		return config, nil
	}
	config, err := readImage(manifest)
	if err != nil {
		return inject.ImageConfig{}, err
	}
	config.Digest = manifest.Digest.String()
	a.cache.add(ref.Context(), config)
	return config, nil
}

// readImage reads what a manifest or an index leads to.
func readImage(d *remote.Descriptor) (inject.ImageConfig, error) {
	switch {
	case d.MediaType.IsIndex():
		index, err := d.ImageIndex()
		if err != nil {
			return inject.ImageConfig{}, err
		}
		return readIndex(index)
	case d.MediaType.IsImage():
		image, err := d.Image()
		if err != nil {
			return inject.ImageConfig{}, err
		}
		config, isLinux, err := readConfig(image)
		if err == nil && !isLinux {
			err = reason("the image is not for Linux")
		}
		return config, err
	}
	return inject.ImageConfig{}, reason("the image has an unknown format")
}

// readIndex reads the images of an index. They must agree, because the node is not chosen yet.
func readIndex(index v1.ImageIndex) (inject.ImageConfig, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return inject.ImageConfig{}, err
	}
	var images []v1.Descriptor
	for _, d := range manifest.Manifests {
		switch {
		case d.Platform != nil && d.Platform.OS != linux:
			// Another system, or an attestation, whose platform is "unknown".
		case d.MediaType.IsIndex():
			return inject.ImageConfig{}, reason("the image is an index of indexes")
		case d.MediaType.IsImage():
			images = append(images, d)
		}
	}
	if len(images) > maxPlatforms {
		return inject.ImageConfig{}, reason("the image has too many platforms")
	}
	configs := make([]*inject.ImageConfig, len(images)) // nil for another system
	var group errgroup.Group
	for i, d := range images {
		group.Go(func() error {
			image, err := index.Image(d.Digest)
			if err != nil {
				return err
			}
			config, isLinux, err := readConfig(image)
			if isLinux {
				configs[i] = &config
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return inject.ImageConfig{}, err
	}
	return agreed(configs)
}

// agreed returns the configuration that all images have in common, or an error if they differ.
func agreed(configs []*inject.ImageConfig) (inject.ImageConfig, error) {
	var first *inject.ImageConfig
	for _, c := range configs {
		first = cmp.Or(first, c)
		if c != nil && (!slices.Equal(c.Entrypoint, first.Entrypoint) || !slices.Equal(c.Cmd, first.Cmd) ||
			c.StopSignal != first.StopSignal) {
			return inject.ImageConfig{}, reason("the platforms of the image have different commands or stop signals")
		}
	}
	if first == nil {
		return inject.ImageConfig{}, reason("the image is not for Linux")
	}
	return *first, nil
}

// readConfig reads the configuration of one platform.
func readConfig(image v1.Image) (config inject.ImageConfig, isLinux bool, err error) {
	file, err := image.ConfigFile()
	if err != nil {
		return config, false, err
	}
	c := file.Config
	size := len(c.StopSignal)
	for _, word := range slices.Concat(c.Entrypoint, c.Cmd) {
		size += len(word) + 1
	}
	if size > maxCommand {
		return config, false, reason("the command of the image is too long")
	}
	config = inject.ImageConfig{Entrypoint: c.Entrypoint, Cmd: c.Cmd, StopSignal: c.StopSignal}
	return config, cmp.Or(file.OS, linux) == linux, nil
}

// reason is an error whose text is for users.
type reason string

func (r reason) Error() string { return string(r) }
