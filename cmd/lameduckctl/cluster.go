package main

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"

	"lameduck/deploy/ctl/kube"
)

// loadKubeconfig loads a kubeconfig like kubectl: from the path, $KUBECONFIG or ~/.kube/config.
func loadKubeconfig(path string, overrides clientcmd.ConfigOverrides) clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &overrides)
}

// newClient returns a client of the cluster of a context, or of the current one if that is empty.
func newClient(kubeconfig, context string) (*kube.Client, error) {
	config, err := loadKubeconfig(kubeconfig, clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return kube.New(config)
}

// connect returns a client of the cluster of a context, and the namespace of the context.
func connect(kubeconfig, context string) (client *kube.Client, namespace string, err error) {
	loader := loadKubeconfig(kubeconfig, clientcmd.ConfigOverrides{CurrentContext: context})
	config, err := loader.ClientConfig()
	if err == nil {
		namespace, _, err = loader.Namespace()
	}
	if err == nil {
		client, err = kube.New(config)
	}
	if err != nil {
		return nil, "", fmt.Errorf("context %s: %w", context, err)
	}
	return client, namespace, nil
}

// clusterVersion returns the version of the cluster of a context.
func clusterVersion(client *kube.Client, context string) (string, error) {
	info, err := client.Discovery().ServerVersion()
	if err != nil {
		return "", fmt.Errorf("get the version of the cluster of context %s: %w", context, err)
	}
	return info.GitVersion, nil
}
