package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

type object = map[string]any

// makeReviews returns an API server's requests for pods of ten Deployments.
func makeReviews() [][]byte {
	var reviews [][]byte
	for i := range 10 {
		review := object{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
			"request": object{
				"uid":       fmt.Sprintf("705ab4f5-6393-11e8-b7cc-42010a80%04d", i),
				"kind":      object{"group": "", "version": "v1", "kind": "Pod"},
				"resource":  object{"group": "", "version": "v1", "resource": "pods"},
				"namespace": "shop", "operation": "CREATE", "dryRun": false,
				"userInfo": object{"username": "system:serviceaccount:kube-system:replicaset-controller",
					"groups": []string{"system:serviceaccounts", "system:authenticated"}},
				"object": makePod(i), "oldObject": nil, "options": object{"kind": "CreateOptions",
					"apiVersion": "meta.k8s.io/v1"},
			}}
		text, err := json.Marshal(review)
		if err != nil {
			panic(err) // maps and strings can always be encoded
		}
		reviews = append(reviews, text)
	}
	return reviews
}

func makePod(i int) object {
	name := fmt.Sprintf("app-%d", i)
	var containers []object
	for c := range 1 + i%3 {
		containers = append(containers, makeContainer(fmt.Sprintf("%s-%d", name, c), 8080+c))
	}
	return object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{
			"generateName": name + "-5c9dfbd6-", "namespace": "shop", "creationTimestamp": nil,
			"labels": object{"app": name, "pod-template-hash": "5c9dfbd6",
				"app.kubernetes.io/part-of": "shop"},
			"annotations": object{"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z",
				"checksum/config": strings.Repeat("0f", 32)},
			"ownerReferences": []object{{"apiVersion": "apps/v1", "kind": "ReplicaSet",
				"name": name,
				"uid":  "1", "controller": true, "blockOwnerDeletion": true}},
		},
		"spec": object{
			"containers": containers, "restartPolicy": "Always",
			"terminationGracePeriodSeconds": 30,
			"dnsPolicy":                     "ClusterFirst",
			"serviceAccountName":            "default", "schedulerName": "default-scheduler",
			"priority":           0,
			"enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
			"volumes": []object{{"name": "config", "configMap": object{"name": name,
				"defaultMode": 420}}, {"name": "token", "projected": object{"defaultMode": 420}}},
			"tolerations": []object{
				{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
					"tolerationSeconds": 300},
				{"key": "node.kubernetes.io/unreachable", "operator": "Exists",
					"effect":            "NoExecute",
					"tolerationSeconds": 300},
			},
		},
	}
}

func makeContainer(name string, port int) object {
	var env []object
	for n := range 20 {
		env = append(env, object{"name": fmt.Sprintf("SETTING_%d", n),
			"value": strings.Repeat("v", 40)})
	}
	probe := object{"httpGet": object{"path": "/healthz", "port": port, "scheme": "HTTP"},
		"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
	return object{
		"name": name, "image": "registry.example/" + name + ":1.2.3",
		"imagePullPolicy": "IfNotPresent",
		"env":             env,
		"ports": []object{{"name": fmt.Sprintf("http-%d", port), "containerPort": port,
			"protocol": "TCP"}},
		"resources": object{"requests": object{"cpu": "100m", "memory": "128Mi"},
			"limits": object{"memory": "256Mi"}},
		"volumeMounts": []object{
			{"name": "config", "mountPath": "/etc/app", "readOnly": true},
			{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
				"readOnly": true},
		},
		"livenessProbe": probe, "readinessProbe": probe,
		"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
	}
}
