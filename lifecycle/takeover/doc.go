// Package takeover lets an unmodified child process keep its configured port while Lameduck listens
// there: the child's bind of the port is moved to another port of the loopback interface.
//
//	Spawn ──fork──> launcher (this program) ──exec──> app ──fork──> workers
//	  │                │ no_new_privs, seccomp filter     │ bind 0.0.0.0:8080
//	  │<──listener─────┘                                  v (the kernel stops the thread)
//	notifier <────────────────notification────────────────┘
//	  └─ writes 127.0.0.1:61234 over the child's socket address, and lets the call continue
//
// The child binds its own socket, so the socket keeps its options, its registrations with epoll and
// its place in SO_REUSEPORT groups. All listeners of one port move to the same port. Sockets of
// other ports, other protocols (UDP, Unix, SCTP) and other network namespaces are left alone.
//
// The launcher exists because Go cannot run code between fork and exec. Before it becomes the app,
// it binds the port once itself, so that anything that prevents takeover is found before the app
// runs.
//
// The port is held until the app listens: no connection is accepted, and a bind that the filter
// does not see fails. When the app calls listen, Lameduck first listens at the address that the app
// has asked for, and then the app's call returns.
//
// Some programs, such as nginx, compare their configured addresses with each other on a reload. So
// the notifier restores the original address when the same thread calls listen, unless the memory
// has been reused. Only bind and listen are notified (with Node getsockname too). The kernel allows
// every other system call by a bitmap, without running the filter.
//
// # Trust
//
// This is not a security boundary. A child may change its memory between our write and the kernel's
// read, and then it binds what it has written; it gains nothing that it could not do without us.
// But we must never write to an unrelated process: the notification is verified to be alive after
// the memory has been opened, and a process ID cannot be reused while it is.
//
// # Limits
//
//   - getsockname returns the moved address, unless the command runs Node, whose cluster module
//     refuses to listen on another port than the one it has asked for. Connections always have the
//     moved address.
//   - The child and its descendants have no_new_privs: set-user-ID programs and file capabilities
//     have no effect in them.
//   - A bind through io_uring, or by a program of another architecture (32 bits), is not seen. It
//     fails with EADDRINUSE, because Lameduck listens there.
//   - A process that has changed its user before it binds cannot be accessed without CAP_SYS_PTRACE.
//     Its bind fails in the same way, and the reason is logged.
//   - If Lameduck dies, bind and listen fail with ENOSYS in processes that outlive it.
package takeover
