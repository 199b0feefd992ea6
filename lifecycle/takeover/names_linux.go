package takeover

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
)

// names has the original addresses of moved sockets, by the names of their sockets.
type names map[string]sockname

// A sockname is the struct sockaddr that getsockname returns.
type sockname []byte

// maxNames bounds the remembered sockets, since nothing reports when they are closed.
const maxNames = 1024

func (n names) add(socket string, bound []byte) {
	if len(n) >= maxNames {
		for other := range n {
			delete(n, other)
			break
		}
	}
	size := sizeIPv4
	if binary.NativeEndian.Uint16(bound) == familyIPv6 {
		size = sizeIPv6
	}
	name := make(sockname, size)
	copy(name, bound)
	if size == sizeIPv4 {
		binary.NativeEndian.PutUint16(name, familyIPv4) // for AF_UNSPEC
		clear(name[8:])
	}
	n[socket] = name
}

// writeTo writes the name as getsockname does: as much of it as there is room for, and its length.
func (s sockname) writeTo(t thread, address, length uint64) bool {
	var size [4]byte
	if t.read(size[:], length) != nil {
		return false
	}
	room := int32(binary.NativeEndian.Uint32(size[:]))
	if room < 0 {
		return false
	}
	binary.NativeEndian.PutUint32(size[:], uint32(len(s)))
	return t.write(s[:min(int(room), len(s))], address) == nil && t.write(size[:], length) == nil
}

// nodePrograms are programs that run Node, which checks the address of a listener: its cluster
// module refuses to listen on a port other than the one it has asked for. It does not check the
// addresses of connections.
var nodePrograms = []string{"node", "nodejs", "npm", "npx", "yarn", "pnpm", "pm2", "pm2-runtime"}

// asksForNames reports whether a command runs Node. Other programs may call getsockname for each
// connection, and each call would cost them a notification.
func asksForNames(path string, argv []string) bool {
	words := append([]string{path}, argv...)
	return slices.ContainsFunc(words, func(arg string) bool {
		return slices.ContainsFunc(strings.Fields(arg), func(word string) bool {
			return slices.Contains(nodePrograms, filepath.Base(word))
		})
	})
}
