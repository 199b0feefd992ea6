package main

import (
	"fmt"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// loadKubeconfig loads a kubeconfig like kubectl: from the path, $KUBECONFIG or ~/.kube/config.
func loadKubeconfig(path string, overrides clientcmd.ConfigOverrides) clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &overrides)
}

// clusterVersion returns the version of the cluster of a context.
func clusterVersion(kubeconfig, context string) (string, error) {
	config, err := loadKubeconfig(kubeconfig, clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
	if err != nil {
		return "", fmt.Errorf("context %s: %w", context, err)
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return "", fmt.Errorf("context %s: %w", context, err)
	}
	info, err := client.ServerVersion()
	if err != nil {
		return "", fmt.Errorf("get the version of the cluster of context %s: %w", context, err)
	}
	return info.GitVersion, nil
}
