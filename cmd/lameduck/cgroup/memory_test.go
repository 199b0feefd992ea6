package cgroup

import (
	"testing"
	"testing/fstest"
)

const (
	v2Mount = "28 22 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
	v1Mount = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	v1CPU   = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
)

func TestMemoryLimit(t *testing.T) {
	for name, test := range map[string]struct {
		group, mounts string
		files         map[string]string // below /sys/fs/cgroup
		want          int64             // 0: none
	}{
		"version 2, in a namespace of its own": {"0::/\n", v2Mount,
			map[string]string{"memory.max": "268435456\n"}, 256 << 20},
		"version 2, on the host": {"0::/kubepods/pod1/c\n", v2Mount,
			map[string]string{"kubepods/pod1/c/memory.max": "268435456\n", "kubepods/pod1/memory.max": "max\n"}, 256 << 20},
		"version 2, the pod has less": {"0::/kubepods/pod1/c\n", v2Mount,
			map[string]string{"kubepods/pod1/c/memory.max": "max\n", "kubepods/pod1/memory.max": "1000000\n"}, 1000000},
		"version 2, no limit": {"0::/a\n", v2Mount, map[string]string{"a/memory.max": "max\n"}, 0},
		"version 1, on the host": {"5:cpu:/\n4:memory:/docker/1\n", v1CPU + v1Mount,
			map[string]string{"memory/docker/1/memory.limit_in_bytes": "268435456\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}, 256 << 20},
		"version 1, in a container without a namespace": {"4:memory:/docker/1\n",
			"35 31 0:32 /docker/1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			map[string]string{"memory/memory.limit_in_bytes": "268435456\n"}, 256 << 20},
		"version 1, in a group below the container's": {"4:memory:/docker/1/own\n",
			"35 31 0:32 /docker/1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			map[string]string{"memory/memory.limit_in_bytes": "268435456\n", "memory/own/memory.limit_in_bytes": "1000000\n"}, 1000000},
		"version 1, a group that is not mounted": {"4:memory:/elsewhere\n",
			"35 31 0:32 /docker/1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			map[string]string{"memory/memory.limit_in_bytes": "268435456\n"}, 256 << 20},
		"version 1, with another controller": {"4:cpu,memory:/a\n",
			"35 31 0:32 / /sys/fs/cgroup/all rw - cgroup cgroup rw,cpu,memory\n",
			map[string]string{"all/a/memory.limit_in_bytes": "1000000\n"}, 1000000},
		"version 1, no limit": {"4:memory:/a\n", v1Mount,
			map[string]string{"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"both, and memory is of version 1": {"4:memory:/a\n0::/\n", v1Mount +
			"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			map[string]string{"memory/a/memory.limit_in_bytes": "1000000\n", "unified/cgroup.controllers": ""}, 1000000},
		"a path with a space": {"0::/a b\n", "28 22 0:25 / /sys/fs/cgroup/x\\040y rw - cgroup2 cgroup2 rw\n",
			map[string]string{"x y/a b/memory.max": "1000000\n"}, 1000000},
		"a path with a colon": {"0::/a:b\n", v2Mount, map[string]string{"a:b/memory.max": "1000000\n"}, 1000000},
		"no control groups":   {"", "", nil, 0},
		"nonsense":            {"x\n", "y - z\n", map[string]string{"memory.max": "-1"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{
				"proc/self/cgroup":    {Data: []byte(test.group)},
				"proc/self/mountinfo": {Data: []byte(test.mounts)},
			}
			for file, text := range test.files {
				root["sys/fs/cgroup/"+file] = &fstest.MapFile{Data: []byte(text)}
			}
			limit, ok := memoryLimit(root)
			if !ok {
				limit = 0
			}
			if limit != test.want {
				t.Errorf("limit %d, want %d", limit, test.want)
			}
		})
	}
}
