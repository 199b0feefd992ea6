package h1

// A chunkState is the role of the next byte of a chunked body (RFC 9112 section 7.1).
type chunkState uint8

const (
	chunkStart    chunkState = iota // first digit of chunk-size
	chunkSize                       // a further digit, or what follows the size
	chunkPad                        // white space after the size: ; or CR must follow
	chunkExt                        // within chunk-ext
	chunkLineLF                     // the LF of the chunk line
	chunkData                       // chunk-data: left bytes
	chunkDataCR                     // the CR behind chunk-data
	chunkDataLF                     // the LF behind chunk-data
	trailerStart                    // first byte of a trailer line, or the CR of the empty line
	trailerName                     // within the name of a trailer field
	trailerValue                    // within its value
	trailerLineLF                   // the LF of a trailer line
	trailerEndLF                    // the LF of the empty line
	chunkDone                       // the message is complete
)

// maxChunkLine bounds chunk-size and chunk-ext together, in bytes. Real extensions are a word or a
// signature.
const maxChunkLine = 4 << 10

// maxChunkSize bounds one chunk so that the next digit of its size cannot overflow.
const maxChunkSize = 1<<59 - 1

func (b *Body) scanChunks(p []byte) (int, error) {
	for i := 0; i < len(p); {
		if b.state == chunkData {
			n := min(b.left, int64(len(p)-i))
			b.left -= n
			i += int(n)
			if b.left > 0 {
				return i, nil
			}
			b.state = chunkDataCR
			continue
		}
		if b.state == chunkDone {
			return i, nil
		}
		if err := b.chunkByte(p[i]); err != nil {
			return i, err
		}
		i++
	}
	return len(p), nil
}

// chunkByte advances the state by one byte that is not chunk-data.
func (b *Body) chunkByte(c byte) error {
	if b.state >= trailerStart {
		return b.trailerByte(c)
	}
	switch b.state {
	case chunkDataCR:
		return b.expect(c, '\r', chunkDataLF)
	case chunkDataLF:
		return b.expect(c, '\n', chunkStart)
	case chunkLineLF:
		return b.endChunkLine(c)
	}
	if b.line++; b.line > maxChunkLine {
		return ErrChunk
	}
	return b.chunkLineByte(c)
}

func (b *Body) expect(c, want byte, next chunkState) error {
	if c != want {
		return ErrChunk
	}
	b.state = next
	return nil
}

// chunkLineByte reads a byte of chunk-size [ chunk-ext ], up to its CR.
func (b *Body) chunkLineByte(c byte) error {
	digit, isDigit := hexDigit(c)
	switch {
	case isDigit && b.state <= chunkSize:
		if b.left > maxChunkSize>>4 {
			return ErrChunk
		}
		b.left, b.state = b.left<<4|digit, chunkSize
	case b.state == chunkStart:
		return ErrChunk
	case c == '\r':
		b.state = chunkLineLF
	case b.state == chunkExt:
		if c == '\n' || c == 0 {
			return ErrChunk
		}
	case c == ';':
		b.state = chunkExt
	case c == ' ' || c == '\t':
		b.state = chunkPad
	default:
		return ErrChunk
	}
	return nil
}

func (b *Body) endChunkLine(c byte) error {
	b.line = 0
	if b.left == 0 {
		return b.expect(c, '\n', trailerStart)
	}
	return b.expect(c, '\n', chunkData)
}

// trailerByte reads a byte of the trailer section (RFC 9112 section 7.1.2). Its size has the bound
// of a head.
func (b *Body) trailerByte(c byte) error {
	if b.line++; b.line > MaxHead {
		return ErrTrailer
	}
	switch b.state {
	case trailerStart:
		return b.trailerLineStart(c)
	case trailerName:
		if c == ':' {
			b.state = trailerValue
		} else if !token[c] {
			return ErrTrailer
		}
	case trailerValue:
		if c == '\r' {
			b.state = trailerLineLF
		} else if c == '\n' || c == 0 {
			return ErrTrailer
		}
	case trailerLineLF:
		return b.expectTrailer(c, trailerStart)
	case trailerEndLF:
		return b.expectTrailer(c, chunkDone)
	}
	return nil
}

func (b *Body) trailerLineStart(c byte) error {
	switch {
	case c == '\r':
		b.state = trailerEndLF
	case token[c]:
		b.state = trailerName
	default:
		return ErrTrailer
	}
	return nil
}

func (b *Body) expectTrailer(c byte, next chunkState) error {
	if c != '\n' {
		return ErrTrailer
	}
	b.state = next
	return nil
}

func hexDigit(c byte) (int64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}
