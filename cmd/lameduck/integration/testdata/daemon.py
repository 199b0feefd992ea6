"""A daemon: it forks twice, and then opens its port. On SIGTERM it exits with 7."""

import http.server
import os
import signal
import sys

for session in os.setsid, os.getpid:
    if os.fork():
        os._exit(0)
    session()


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


signal.signal(signal.SIGTERM, lambda *args: os._exit(7))
os.chdir(sys.argv[2])
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
