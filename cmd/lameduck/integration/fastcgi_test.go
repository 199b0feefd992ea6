package integration

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The types of FastCGI records that a web server sends and gets (FastCGI specification, section 8).
const (
	fcgiBegin  = 1
	fcgiEnd    = 3
	fcgiParams = 4
	fcgiStdin  = 5
	fcgiStdout = 6
)

// fcgiRecord returns a record of the first request.
func fcgiRecord(kind byte, content []byte) []byte {
	head := []byte{1, kind, 0, 1, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(head[4:], uint16(len(content)))
	return append(head, content...)
}

// getFastCGI runs a script over a new connection, like a web server, and returns its output.
func getFastCGI(address, script string) (string, error) {
	c, err := net.DialTimeout("tcp", address, waitTimeout)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(waitTimeout))
	var params bytes.Buffer
	for _, p := range [][2]string{{"REQUEST_METHOD", "GET"}, {"SCRIPT_FILENAME", script}} {
		params.Write([]byte{byte(len(p[0])), byte(len(p[1]))}) // short names and values
		params.WriteString(p[0] + p[1])
	}
	begin := []byte{0, 1 /* responder */, 0, 0, 0, 0, 0, 0}
	if _, err := c.Write(bytes.Join([][]byte{
		fcgiRecord(fcgiBegin, begin), fcgiRecord(fcgiParams, params.Bytes()), fcgiRecord(fcgiParams, nil),
		fcgiRecord(fcgiStdin, nil),
	}, nil)); err != nil {
		return "", err
	}
	return readFastCGI(bufio.NewReader(c))
}

// readFastCGI reads the records of a response.
func readFastCGI(in io.Reader) (string, error) {
	var out bytes.Buffer
	for {
		head := make([]byte, 8)
		if _, err := io.ReadFull(in, head); err != nil {
			return "", err
		}
		content := make([]byte, int(binary.BigEndian.Uint16(head[4:]))+int(head[6]))
		if _, err := io.ReadFull(in, content); err != nil {
			return "", err
		}
		switch content = content[:len(content)-int(head[6])]; head[1] {
		case fcgiStdout:
			out.Write(content)
		case fcgiEnd:
			_, body, found := bytes.Cut(out.Bytes(), []byte("\r\n\r\n"))
			if !found {
				return "", errors.New("the response has no header")
			}
			return string(body), nil
		default:
			return "", fmt.Errorf("a record of type %d: %s", head[1], content)
		}
	}
}
