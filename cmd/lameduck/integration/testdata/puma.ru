# A Rack app.
run ->(env) { [200, { "Content-Length" => "10" }, ["It works.\n"]] }
