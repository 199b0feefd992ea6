package proxy

import "lameduck/proxy/h1"

// maxOutstanding bounds the requests of one connection that have been passed on and are not answered yet. A client
// that pipelines more waits.
const maxOutstanding = 32

// An exchange is one request with its response.
type exchange struct {
	method   h1.Method
	probe    bool // a health probe: no traffic
	switches bool // the response may end HTTP on this connection

	withholds bool // its client may never send the body, see unframed.go

	eventSource bool // its client connects again when an event stream ends
}

// exchanges are the requests that have been passed on and are not answered yet, in order.
type exchanges struct {
	ring  [maxOutstanding]exchange
	first uint8
	count uint8
}

func (q *exchanges) len() int   { return int(q.count) }
func (q *exchanges) full() bool { return q.count == maxOutstanding }

// probes returns how many are health probes.
func (q *exchanges) probes() (n int) {
	for i := range q.count {
		if q.ring[(q.first+i)%maxOutstanding].probe {
			n++
		}
	}
	return n
}

func (q *exchanges) push(e exchange) {
	q.ring[(q.first+q.count)%maxOutstanding] = e
	q.count++
}

// sendBody notes that the body of the newest exchange follows its head.
func (q *exchanges) sendBody() {
	if q.count > 0 {
		q.ring[(q.first+q.count-1)%maxOutstanding].withholds = false
	}
}

// continueFront notes that the client of the oldest exchange has been asked for the body.
func (q *exchanges) continueFront() { q.ring[q.first].withholds = false }

func (q *exchanges) front() exchange { return q.ring[q.first] }

func (q *exchanges) pop() exchange {
	e := q.ring[q.first]
	q.first = (q.first + 1) % maxOutstanding
	q.count--
	return e
}
