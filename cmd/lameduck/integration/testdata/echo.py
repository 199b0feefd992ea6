"""An HTTP/1.1 server of Python's standard library: GET is answered with a file, POST with the request's body."""

import http.server
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # on a busy machine the default of 5 drops connections


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
