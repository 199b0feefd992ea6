package h1

import "bytes"

// Some apps and clients send lines that are not fields by the grammar: a name with a space or a
// letter outside ASCII, white space before the colon, no colon at all, an obsolete line fold. Their
// peers accept or ignore them, so such lines pass. But a line must not pass if a lenient reader
// could mistake it for Content-Length or Transfer-Encoding, or for the end of the head: it would
// then see a different message than a strict reader.

// parseOddLine reads a line of a head that is not a field line by the grammar (RFC 9112 section 5).
func (f *fields) parseOddLine(line []byte) error {
	if err := checkBytes(line); err != nil {
		return err
	}
	if !hasVisible(line) {
		return ErrBlankLine
	}
	name, value, hasColon := bytes.Cut(line, []byte{':'})
	if disguisesFraming(name) {
		return ErrDisguise
	}
	if isFold(line) {
		if !f.foldable {
			return ErrFold
		}
		return nil
	}
	f.foldable = false
	if !hasColon {
		return nil
	}
	return f.apply(trimOdd(name), value)
}

// isFold reports whether a line continues the one before it (obsolete line folding, RFC 9112
// section 5.2).
func isFold(line []byte) bool { return line[0] == ' ' || line[0] == '\t' }

// checkBytes refuses bytes that a head must not contain.
func checkBytes(b []byte) error {
	if bytes.IndexByte(b, '\r') >= 0 {
		return ErrBareCR
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return ErrNUL
	}
	return nil
}

// hasVisible reports whether a line has a visible ASCII character. Lenient readers strip many kinds
// of white space, and then a line without one looks like the empty line that ends the head.
func hasVisible(line []byte) bool {
	for _, c := range line {
		if isVisible(c) {
			return true
		}
	}
	return false
}

func isVisible(c byte) bool { return ' ' < c && c < 0x7f }

// trimOdd removes bytes that cannot be in a token from both ends of an odd name.
func trimOdd(name []byte) []byte {
	for len(name) > 0 && !token[name[0]] {
		name = name[1:]
	}
	for len(name) > 0 && !token[name[len(name)-1]] {
		name = name[:len(name)-1]
	}
	return name
}

// disguisesFraming reports whether a lenient reader could mistake an odd name for one of the two
// fields that decide where the message ends.
func disguisesFraming(name []byte) bool {
	return contentLength.foundIn(name) || transferEncoding.foundIn(name)
}

var (
	contentLength    = newDisguise("contentlength")
	transferEncoding = newDisguise("transferencoding")
)

// maxReplaced is how many letters of a disguised name may be replaced with bytes outside ASCII.
const maxReplaced = 3

// A disguise finds a word in a name, even with non-letters before, between and after its letters,
// and with up to maxReplaced letters replaced by bytes outside ASCII: some readers strip control
// characters, others map letters to similar ones. It uses the shift-and algorithm, which takes one
// step per byte.
type disguise struct {
	positions [26]uint32 // bit i of a letter: it is the word's letter i
	last      uint32     // the bit of the word's last letter
}

func newDisguise(word string) (d disguise) {
	for i, c := range word {
		d.positions[c-'a'] |= 1 << i
	}
	d.last = 1 << (len(word) - 1)
	return d
}

func (d *disguise) foundIn(name []byte) bool {
	// Bit i of found[n]: what has been read ends with the letters 0 to i of the word, n of them
	// replaced.
	var found [1 + maxReplaced]uint32
	for _, c := range name {
		lower := c | 0x20
		switch {
		case 'a' <= lower && lower <= 'z' && c < 0x80:
			for n := range found {
				found[n] = (found[n]<<1 | 1) & d.positions[lower-'a']
			}
		case c >= 0x80:
			for n := maxReplaced; n > 0; n-- {
				found[n] |= found[n-1]<<1 | 1
			}
		}
		for _, f := range found {
			if f&d.last != 0 {
				return true
			}
		}
	}
	return false
}
