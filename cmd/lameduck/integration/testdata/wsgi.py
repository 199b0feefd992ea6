"""A WSGI app."""


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return [b"It works.\n"]
