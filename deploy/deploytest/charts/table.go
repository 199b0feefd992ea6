package charts

// All returns all charts.
func All() []Chart { return table }

// A Chart is what a chart renders. Ports are name=number, number or name=number/PROTOCOL, and + ends
// a container. Services are port>target or port, each after headless: or not. Policy has ports of a
// NetworkPolicy. The traits are explained in render.go.
type Chart struct{ Name, Kind, Ports, Services, Policy, Traits string }

var table = []Chart{
	// Websites and applications.
	{"blog", "Deployment", "http=2368", "80>http", "2368", "claim"},
	{"wiki", "Deployment", "http=8080 https=8443", "80>http 443>https", "8080 8443", "compact init"},
	{"shop", "Deployment", "8080", "80>8080", "", "sticky"},
	{"forum", "Deployment", "http=3000 + 9187", "80>3000", "3000", "quota"},
	{"cms", "Deployment", "http=80", "80", "80", "braces"},
	{"files", "Deployment", "http=80 + metrics=9205", "8080>http 9205>metrics", "80 9205", "hook=sleep"},
	{"photos", "StatefulSet", "http=2342", "80>2342", "2342", "claim"},
	{"calendar", "Deployment", "http=8008", "8008>http", "http", ""},
	{"chat", "Deployment", "http=8008 replication=9093 metrics=9090", "8008>http", "", "istio"},
	{"streaming", "Deployment", "streaming=4000", "4000>streaming", "", "name-policy"},
	{"courses", "Deployment", "http=8080 https=8443", "80>http 443>https", "8080", "quoted"},
	{"survey", "Deployment", "", "80>8080", "8080", ""},
	{"mail", "Deployment", "smtp=25 submission=587 imap=143", "25>smtp 587>submission 143>imap", "", "linkerd"},
	{"dashboards", "Deployment", "grafana=3000 gossip-tcp=9094 gossip-udp=9094/UDP", "80>grafana headless:9094", "", "compact"},
	{"notebooks", "Deployment", "http=8000 api=8001", "80>http", "8000 8001", "name-policy"},
	{"status", "Deployment", "http=3001", "3001", "", "limits"},
	// Databases and caches.
	{"sql", "StatefulSet", "mysql=3306 + metrics=9104", "3306>mysql headless:3306>mysql 9104>metrics", "3306 9104", "guaranteed claim"},
	{"sql-replicas", "StatefulSet", "tcp-sql=5432", "5432>tcp-sql headless:5432>tcp-sql", "5432", "hook=exec limits"},
	{"cache", "StatefulSet", "redis=6379", "6379>redis headless:6379>redis", "6379", "braces"},
	{"cache-cluster", "StatefulSet", "redis=6379 bus=16379", "6379>6379 headless:6379>6379", "6379 16379", "linkerd-opaque=6379"},
	{"memory", "Deployment", "memcache=11211 + metrics=9150", "11211>memcache", "11211", "compact guaranteed"},
	{"documents", "StatefulSet", "mongodb=27017", "headless:27017>mongodb", "27017", "claim"},
	{"columns", "StatefulSet", "http=8123 tcp=9000 interserver=9009", "8123>http 9000>tcp", "", ""},
	{"rows", "StatefulSet", "intra=7000 jmx=7199 cql=9042", "9042>cql headless:9042>cql", "7000 7199 9042", "hook=exec"},
	{"search", "StatefulSet", "http=9200 transport=9300", "9200>http headless:9200 headless:9300", "9200 9300", "init limits"},
	{"keys", "StatefulSet", "client=2379 peer=2380", "2379>client headless:2379>client headless:2380>peer", "2379", "quota"},
	{"series", "StatefulSet", "http=8086 rpc=8088", "8086>8086", "8086", "claim"},
	{"objects", "Deployment", "minio-api=9000 minio-console=9001", "9000>minio-api 9001>minio-console", "9000 9001", "guaranteed"},
	// Queues and streams.
	{"broker", "StatefulSet", "amqp=5672 dist=25672 stats=15672 epmd=4369", "5672>amqp 15672>stats headless:5672>amqp", "4369 5672 25672 15672", "compact"},
	{"log", "StatefulSet", "client=9092 interbroker=9094 controller=9093", "9092>client headless:9092>client", "9092 9094 9093", "claim quota"},
	{"ensemble", "StatefulSet", "client=2181 follower=2888 election=3888", "2181>client headless:2181>client", "2181 2888 3888", ""},
	{"bus", "StatefulSet", "client=4222 cluster=6222 monitor=8222", "headless:4222>client headless:6222", "", "native"},
	{"sensors", "Deployment", "mqtt=1883 websocket=9001", "1883>mqtt 9001>websocket", "1883", "braces"},
	{"jobs", "Deployment", "http=7233 membership=6933", "7233>7233 headless:6933", "", "hook=sleep"},
	{"worker", "Deployment", "", "", "", "quota"},
	{"scheduler", "Deployment", "metrics=9090", "", "", ""},
	// Observability.
	{"metrics-store", "StatefulSet", "http-web=9090 reloader-web=8080", "9090>http-web", "9090 8080", "limits"},
	{"alerts", "StatefulSet", "http=9093 mesh=9094", "9093>http headless:9093 headless:9094", "9093", ""},
	{"logs", "StatefulSet", "http-metrics=3100 grpc=9095 http-memberlist=7946", "3100>http-metrics 9095>grpc headless:7946", "3100", "compact"},
	{"traces", "Deployment", "otlp=4317 otlp-http=4318 zipkin=9411 query=16686 udp=6831/UDP", "4317>otlp 4318>otlp-http 16686>query", "", ""},
	{"collector", "DaemonSet", "otlp=4317 metrics=8888", "4317>otlp", "4317", "guaranteed"},
	{"shipper", "DaemonSet", "http=2020", "2020>http", "", "limits"},
	{"node-stats", "DaemonSet", "metrics=9100", "9100>9100", "", "hostnet"},
	{"object-stats", "Deployment", "http=8080 telemetry=8081", "8080>http 8081>telemetry", "8080", ""},
	{"blackbox", "Deployment", "http=9115", "9115>http", "", "scc"},
	// Infrastructure.
	{"ingress", "Deployment", "http=80 https=443 webhook=8443", "80>http 443>https 8443>webhook", "", "hook=exec"},
	{"edge", "Deployment", "web=8000 websecure=8443 http3=8443/UDP traefik=9000", "80>web 443>websecure", "", "compact"},
	{"balancer", "DaemonSet", "http=8080 https=8443 stat=1024", "80>http 443>https 1024>stat", "8080 8443", "hostport"},
	{"names", "Deployment", "dns=53/UDP dns-tcp=53 metrics=9153", "53>dns-tcp", "53", ""},
	{"vault", "StatefulSet", "http=8200 https-internal=8201 http-rep=8202", "8200>8200 8201>8201 headless:8200", "8200 8201", "hook=exec scc"},
	{"discovery", "StatefulSet", "http=8500 grpc=8502 serflan=8301", "headless:8500 headless:8502", "", "istio"},
	{"login", "Deployment", "http=4180", "80>http", "4180", "sticky"},
	{"identity", "StatefulSet", "http=8080 discovery=7800", "80>http headless:8080>http", "8080 7800", "guaranteed sticky"},
	{"oidc", "Deployment", "http=5556 grpc=5557 telemetry=5558", "5556>http 5557>grpc 5558>telemetry", "", ""},
	{"deployer", "Deployment", "server=8080 metrics=8083", "80>8080 443>8080", "", "name-policy"},
	{"repositories", "Deployment", "repo=8081 metrics=8084", "8081>repo", "8081", "istio"},
	{"certificates", "Deployment", "http-metrics=9402", "9402>9402", "", ""},
	{"admission", "Deployment", "https=10250 healthz=6080", "443>https", "10250", "limits guaranteed"},
	{"records", "Deployment", "http=7979", "7979>http", "", "quota"},
	{"registry", "Deployment", "5000", "80>5000", "5000", "claim quoted"},
	{"code", "Deployment", "http=3000 ssh=22", "3000>http 22>ssh", "3000 22", "init"},
	{"builds", "StatefulSet", "http=8080 agent-listener=50000", "8080>8080 50000>50000", "8080 50000", "claim"},
	{"quality", "StatefulSet", "http=9000 monitoring-web=8000", "9000>http", "9000 8000", "init guaranteed"},
	{"artifacts", "Deployment", "nexus-ui=8081", "8081>8081", "", "scc"},
	{"api", "Deployment", "http=8080 grpc=9090", "80>http 9090>grpc", "http grpc", "native"},
	{"gateway", "Deployment", "proxy=8000 proxy-tls=8443 admin=8001", "80>8000 443>8443 8001>admin", "8000 8443", "hook=sleep"},
	{"models", "Deployment", "http=8000 grpc=8001 metrics=8002", "8000>8000 8001>8001", "", "pod-resources"},
}
