// Package redirect redirects connections to the app's own ports to the relay, with netfilter rules
// in the network namespace of the pod. Clients still connect to the app's port, and no reference to
// it changes.
//
//	table inet lameduck {
//	  chain inbound {
//	    type nat hook prerouting priority dstnat; policy accept;
//	    iifname "lo" return
//	    meta l4proto tcp tcp dport 8080 fib daddr type local redirect to :18080
//	    meta l4proto tcp tcp dport 18091 fib daddr type local redirect to :8080
//	  }
//	  chain untracked {
//	    type filter hook output priority raw; policy accept;
//	    oifname "lo" meta l4proto tcp tcp dport 8080 notrack    # and sport
//	  }
//	}
//
// Connections from within the pod are not redirected: the relay's to the app, and those of the app
// and its helpers to each other. The rule for 18091 leads around the relay, for probes that test
// whether the app listens. The second chain keeps the relay's connections to the app out of
// conntrack, and further rules shorten the timeouts of its entries.
//
// A service mesh has rules on the same hook, and its proxy connects to the app from within the pod.
// Behind a mesh the table comes after the mesh's rules, and instead of the second chain it has one
// that redirects the connections of the mesh's proxy, by its user id, to the app's port:
//
//	chain meshed {
//	  type nat hook output priority dstnat + 10; policy accept;
//	  oifname "lo" meta skuid 2102 meta l4proto tcp tcp dport 8080 redirect to :18080
//	}
package redirect
