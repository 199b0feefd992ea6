package peers

// sharedAddress lets several queue-proxies run at one loopback address.
var sharedAddress = patch{
	{
		file: "pkg/queue/sharedmain/main.go",
		old:  `mainServer(":"+env.QueueServingPort,`,
		new:  `mainServer("127.0.0.1:"+env.QueueServingPort,`,
	},
	{
		file: "pkg/queue/sharedmain/main.go",
		old:  `"admin":   adminServer(":"+strconv.Itoa(networking.QueueAdminPort),`,
		new: `"admin":   adminServer("127.0.0.1:"+` +
			`strconv.Itoa(portOr("QUEUE_ADMIN_PORT", networking.QueueAdminPort)),`,
	},
	{
		file: "pkg/queue/sharedmain/servers.go",
		old:  `":" + strconv.Itoa(networking.AutoscalingQueueMetricsPort),`,
		new:  `"127.0.0.1:" + strconv.Itoa(portOr("QUEUE_METRICS_PORT", networking.AutoscalingQueueMetricsPort)),`,
	},
	{
		file: "pkg/queue/sharedmain/ports.go",
		new: `package sharedmain

import (
	"os"
	"strconv"
)

// portOr returns the port in a variable, or the usual one if it is not set.
func portOr(variable string, usual int) int {
	value, set := os.LookupEnv(variable)
	if !set {
		return usual
	}
	port, err := strconv.Atoi(value)
	if err != nil {
		panic(variable + ": " + err.Error())
	}
	return port
}
`,
	},
}
