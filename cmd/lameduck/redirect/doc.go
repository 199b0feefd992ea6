// Package redirect brings the app's own ports to the relay, with rules of netfilter in the network
// namespace of the pod. Clients go on connecting to the app's port, and no reference to it changes.
//
//	table inet lameduck {
//	  chain inbound {
//	    type nat hook prerouting priority dstnat; policy accept;
//	    iifname "lo" return
//	    meta l4proto tcp tcp dport 8080 fib daddr type local redirect to :18080
//	    meta l4proto tcp tcp dport 18091 fib daddr type local redirect to :8080
//	  }
//	}
//
// Connections from the pod itself are not redirected: the relay's to the app, and those of the app
// and its helpers to each other. The second rule is a way around the relay, for probes that look at
// a listener.
//
// A service mesh has rules at the same hook, and its proxy connects to the app from within the pod.
// Behind a mesh the table comes after the mesh's rules, and a second chain redirects what the user
// id of the mesh's proxy sends to the app's port:
//
//	chain meshed {
//	  type nat hook output priority dstnat + 10; policy accept;
//	  oifname "lo" meta skuid 2102 meta l4proto tcp tcp dport 8080 redirect to :18080
//	}
package redirect
